// Merges flags, environment, file and defaults, in this order of precedence, into a broker's
// settings. No key is ignored silently: it has an effect, is named in a warning, or is refused.
import type { LogLevel } from "../logging/logger.ts";
import { Secret } from "../util/secret.ts";
import { clusterSettings } from "./cluster.ts";
import { compressionConfigs, compressionWarnings } from "./compression.ts";
import { ConfigError } from "./config-error.ts";
import { brokerConfigRefusal } from "./kafka/start-configs.ts";
import { contradiction } from "./kafka/together.ts";
import { KEYS, type Key, type KeyName, type Values, WHY_IGNORED } from "./keys.ts";
import { listenersOf } from "./listeners.ts";
import { hashedNameOf, nodeIdOf } from "./node-id.ts";
import { addOwnKeys, ownKeys, refuseMovedListener, SAME, withoutOwnKeys } from "./own-keys.ts";
import type { BrokerSettings, ClusterSettings, FlushPolicy } from "./settings.ts";
import { type ShownSetting, shownSettings } from "./shown.ts";
import {
  type ConfigSources,
  type Given,
  readEnvironment,
  readFileLayer,
  readFlags,
} from "./sources.ts";

export interface LoadedConfig {
  readonly settings: BrokerSettings;
  /** Whether a node id was given; if not, the one in the data directory is used. */
  readonly nodeIdGiven: boolean;
  readonly logging: LoggingSettings;
  /** To be logged when the log is open. */
  readonly warnings: readonly string[];
  /** What is set, and by what. */
  readonly shown: readonly ShownSetting[];
}

export interface LoggingSettings {
  readonly level: LogLevel;
  /** Null: standard error. */
  readonly file: string | null;
  /** Size at which a new file is started; 0: never. */
  readonly maxSizeBytes: number;
  /** Number of old files kept; 0: all. */
  readonly maxBackups: number;
  /** Age at which an old file is deleted, ms; 0: never. */
  readonly maxAgeMs: number;
  /** Whether old files are gzipped. */
  readonly compress: boolean;
  /** The file of the audit log, to which the same limits apply; null: there is none. */
  readonly auditFile: string | null;
}

const DEFAULT_FLUSH_INTERVAL_MS = 1000;

/** Rejects with ConfigError, whose message is one line. */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const environment = readEnvironment(sources.environment ?? {});
  const layers = [readFlags(sources.flags ?? {}), environment.layer];
  if (sources.file !== undefined) layers.push(await readFileLayer(sources.file));
  for (const layer of layers) {
    const directory = layer.values.get("log_dir");
    if (directory !== undefined && !layer.values.has("logging.file"))
      layer.values.set("logging.file", { ...directory, value: `${directory.value}/broker.log` });
  }
  const kafka = merged(layers.map((layer) => layer.kafka));
  refuseBadConfigs(kafka);
  for (const layer of layers) addOwnKeys(layer.values, ownKeys(layer.kafka, kafka));
  const given = merged(layers.map((layer) => layer.values)) as Map<KeyName, Given>;
  refuseMovedListener(given, kafka);
  const values = Object.fromEntries([...given].map(([name, { value }]) => [name, value])) as Values;
  const { cluster, warnings } = clusterSettings(values, given);
  const settings = settingsFrom(values, given, kafkaConfigs(kafka, values, given), cluster);
  // Throws for listeners that contradict each other.
  listenersOf(settings);
  return {
    settings,
    nodeIdGiven: values.node_id !== undefined,
    logging: {
      level: values["logging.level"] ?? "info",
      file: values["logging.file"] ?? null,
      maxSizeBytes: values["logging.max_size"] ?? 0,
      maxBackups: values["logging.max_backups"] ?? 0,
      maxAgeMs: values["logging.max_age"] ?? 0,
      compress: values["logging.compress"] ?? false,
      auditFile: values.audit_log ?? null,
    },
    shown: shownSettings(settings, given, kafka),
    warnings: [
      ...environment.warnings,
      ...warnings,
      ...compressionWarnings(values, given),
      ...readCacheWarnings(values),
      ...warningsFor(given, cluster !== null),
    ],
  };
}

/** The first layer that has a value wins. */
function merged<K>(maps: readonly Map<K, Given>[]): Map<K, Given> {
  return new Map(maps.toReversed().flatMap((map) => [...map]));
}

function settingsFrom(
  values: Values,
  given: Map<KeyName, Given>,
  kafka: Record<string, string>,
  cluster: ClusterSettings | null,
): BrokerSettings {
  const readCacheBytes = values["performance.read_cache_size"];
  const httpHosts = values.http_hosts;
  const nodeName = hashedNameOf(values.node_id ?? "1");
  return {
    nodeId: nodeIdOf(values.node_id ?? "1"),
    ...(nodeName !== null && { nodeName }),
    bindAddress: values.bind_addr ?? "127.0.0.1",
    bindPort: values.bind_port ?? 9092,
    storage: cluster === null ? (values.storage ?? "segment") : "jetstream",
    dataDirectory: values.data_dir ?? "./data",
    flush: flushPolicy(values, given),
    kafkaConfigs: kafka,
    ...(readCacheBytes !== undefined && { readCacheBytes }),
    ...(httpHosts !== undefined && { httpHosts }),
    cluster,
    ...initialAdmin(values, given),
  };
}

function initialAdmin(
  values: Values,
  given: Map<KeyName, Given>,
): Pick<BrokerSettings, "initialAdmin"> {
  const name = values.initial_admin;
  const file = values.initial_admin_password_file;
  const text = values.initial_admin_password;
  const where = (key: KeyName) => given.get(key)?.where;
  const password = where("initial_admin_password_file") ?? where("initial_admin_password");
  if (file !== undefined && text !== undefined) {
    const other = where("initial_admin_password");
    throw new ConfigError(`${password}: and ${other} gives a password, too: leave one out`);
  }
  if (name === undefined) {
    if (password === undefined) return {};
    throw new ConfigError(`${password}: needs initial_admin, the name of the user`);
  }
  if (file !== undefined) return { initialAdmin: { name, password: { file } } };
  return { initialAdmin: { name, password: text === undefined ? null : new Secret(text) } };
}

function flushPolicy(values: Values, given: Map<KeyName, Given>): FlushPolicy {
  const mode = values.flush ?? "always";
  const interval = values.flush_interval;
  if (mode === "interval") return { mode, intervalMs: interval ?? DEFAULT_FLUSH_INTERVAL_MS };
  if (interval !== undefined)
    throw new ConfigError(`${given.get("flush_interval")!.where}: needs "flush: interval"`);
  return { mode };
}

function refuseBadConfigs(kafka: ReadonlyMap<string, Given>): void {
  for (const problem of kafkaProblems(kafka)) throw new ConfigError(problem);
}

/** What is wrong with Kafka's configs, each in one line that says where. */
export function* kafkaProblems(kafka: ReadonlyMap<string, Given>): Generator<string> {
  for (const [name, { value, where }] of kafka) {
    const problem = brokerConfigRefusal(name, String(value));
    if (problem !== null) yield `${where}: ${problem}`;
  }
  const both = contradiction(new Map([...kafka].map(([name, { value }]) => [name, String(value)])));
  if (both !== null) yield `${kafka.get(both.name)!.where}: ${both.problem}`;
}

/** The Kafka broker configs that were given by Kafka's names or by Tarpan's keys. */
function kafkaConfigs(
  kafka: ReadonlyMap<string, Given>,
  values: Values,
  given: Map<KeyName, Given>,
): Record<string, string> {
  const configs = new Map(kafka);
  for (const [key, name] of Object.entries(SAME)) {
    const value = given.get(key as KeyName);
    if (value !== undefined) configs.set(name, value);
  }
  for (const [name, value] of compressionConfigs(values, given)) {
    const before = configs.get(name);
    if (before !== undefined && String(before.value) !== String(value.value))
      throw new ConfigError(
        `${before.where}: says ${before.value}, and ${value.where} says ${value.value}: leave one out`,
      );
    configs.set(name, value);
  }
  refuseBadConfigs(configs);
  const texts = [...configs].map(([name, { value }]) => [name, String(value)]);
  return withoutOwnKeys(Object.fromEntries(texts));
}

function readCacheWarnings({ storage, "performance.read_cache_size": bytes }: Values): string[] {
  if (storage !== "memory" || bytes === undefined) return [];
  return ["no effect: performance.read_cache_size: storage memory keeps everything in memory"];
}

function warningsFor(given: Map<KeyName, Given>, inCluster: boolean): string[] {
  const ignored = new Map<keyof typeof WHY_IGNORED, string[]>();
  for (const [name, { value }] of given) {
    const { ignored: alone, ignoredInCluster = alone } = KEYS[name] as Key;
    const why = inCluster ? ignoredInCluster : alone;
    // No warning for a feature that was switched off: `compression_enabled: false`.
    if (why == null || value === false || given.get(`${why}_enabled` as KeyName)?.value === false)
      continue;
    ignored.set(why, [...(ignored.get(why) ?? []), name]);
  }
  return [...ignored].map(([why, names]) => `no effect: ${names.join(", ")}: ${WHY_IGNORED[why]}`);
}
