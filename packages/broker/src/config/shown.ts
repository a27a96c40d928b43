import { BROKER_CONFIGS } from "./kafka/broker-configs.ts";
import { KAFKA_PREFIX, type KeyName } from "./keys.ts";
import type { BrokerSettings } from "./settings.ts";
import type { Given } from "./sources.ts";

/** One setting of a broker, as `tarpan config show` prints it. */
export interface ShownSetting {
  /** A key of the file. */
  readonly name: string;
  /** As it was written; passwords are hidden. */
  readonly value: unknown;
  /** `broker.yaml:12`, `--bind-port`, `TARPAN_BIND_PORT` or `default`. */
  readonly origin: string;
}

/** What was set, and the defaults of what every broker needs, in the order of their names. */
export function shownSettings(
  settings: BrokerSettings,
  given: ReadonlyMap<KeyName, Given>,
  kafka: ReadonlyMap<string, Given>,
): ShownSetting[] {
  const shown = new Map<string, ShownSetting>();
  for (const [name, value] of Object.entries(defaultsIn(settings))) {
    shown.set(name, { name, value, origin: "default" });
  }
  for (const [name, one] of given) shown.set(name, settingOf(name, one));
  for (const [name, one] of kafka) {
    const key = `${KAFKA_PREFIX}${name}`;
    // A key of Tarpan's that a config of Kafka's has set is told once, by Kafka's name.
    for (const [own, { where }] of given) if (where === one.where) shown.delete(own);
    shown.set(key, settingOf(key, one));
  }
  return [...shown.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function defaultsIn({ bindAddress, bindPort, storage, dataDirectory, flush }: BrokerSettings) {
  return {
    bind_addr: bindAddress,
    bind_port: bindPort,
    storage,
    ...(storage === "memory" ? {} : { data_dir: dataDirectory }),
    flush: flush.mode,
    ...(flush.mode === "interval" && { flush_interval: `${flush.intervalMs}ms` }),
    auto_create_topics: true,
    "logging.level": "info",
  };
}

function settingOf(name: string, { value, written = value, where }: Given): ShownSetting {
  return {
    name,
    value: isSecret(name) ? HIDDEN : shownValue(name, written),
    origin: where.replace(/: .*$/, ""),
  };
}

const HIDDEN = "***";

function isSecret(name: string): boolean {
  if (name === "initial_admin_password") return true;
  if (!name.startsWith(KAFKA_PREFIX)) return false;
  return BROKER_CONFIGS.get(name.slice(KAFKA_PREFIX.length))?.type === "password";
}

function shownValue(name: string, written: unknown): unknown {
  return name === "engine_url" ? withoutPasswords(String(written)) : written;
}

function withoutPasswords(urls: string): string {
  return urls.replace(/(\/\/|^|,)([^@/,]*)@/g, "$1***@");
}
