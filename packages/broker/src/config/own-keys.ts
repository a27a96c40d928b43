// Kafka configs that set Tarpan's own keys: operators who come from Kafka may keep Kafka's names.
import { ConfigError } from "./config-error.ts";
import { splitList } from "./kafka/definition.ts";
import {
  advertisedListeners,
  clientListeners,
  type ListenerNames,
  namesIn,
} from "./kafka/listener.ts";
import type { Given } from "./sources.ts";
import { ValueError } from "./values.ts";

/** Keys that are another name for a Kafka config; the broker reads the config. */
export const SAME = {
  auto_create_topics: "auto.create.topics.enable",
  deduplication_enabled: "tarpan.dedupe.enable",
  deduplication_max_size: "tarpan.dedupe.max.ids",
  deduplication_ttl: "tarpan.dedupe.ttl.ms",
  "performance.connection_idle_timeout": "connections.max.idle.ms",
  "performance.connection_pool_size": "max.connections",
  "performance.max_batch_bytes": "message.max.bytes",
  "performance.write_cache_size": "queued.max.request.bytes",
} as const;

type OwnKey = "node_id" | "data_dir" | "bind_addr" | "bind_port" | keyof typeof SAME;

/** The configs that only set keys; `advertised.listeners` remains a config. */
const OWN_CONFIGS = new Set(["node.id", "broker.id", "log.dirs", "log.dir"]);

type Configs = ReadonlyMap<string, Given>;

/**
 * The keys that valid Kafka configs set. `all` holds the configs of all sources, because another
 * source may map listener names to protocols. Throws ConfigError.
 */
export function ownKeys(configs: Configs, all: Configs = configs): Map<OwnKey, Given> {
  const own = new Map<OwnKey, Given>();
  const id = configs.get("node.id");
  const oldId = configs.get("broker.id");
  // In Kafka, -1 means none.
  if (oldId !== undefined && String(oldId.value) !== "-1") add(own, "node_id", oldId);
  if (id !== undefined) add(own, "node_id", id);
  for (const [key, name] of Object.entries(SAME)) {
    const given = configs.get(name);
    if (given !== undefined) own.set(key as keyof typeof SAME, given);
  }
  const directory = configs.get("log.dirs") ?? configs.get("log.dir");
  if (directory !== undefined)
    add(own, "data_dir", { ...directory, value: onlyDirectory(directory) });
  const listeners = configs.get("listeners");
  const [address] = read(listeners, clientListeners, all);
  if (listeners && address) {
    own.set("bind_addr", { ...listeners, value: address.host || "0.0.0.0" });
    own.set("bind_port", { ...listeners, value: address.port });
  }
  read(configs.get("advertised.listeners"), advertisedListeners, all);
  return own;
}

/** Adds keys that Kafka configs set. Throws ConfigError if a key has another value already. */
export function addOwnKeys(values: Map<string, Given>, own: ReadonlyMap<string, Given>): void {
  for (const [key, given] of own) add(values, key, given);
}

/**
 * Throws ConfigError if another source moves the first of several listeners: nobody could tell
 * which of them it means.
 */
export function refuseMovedListener(values: ReadonlyMap<string, Given>, configs: Configs): void {
  const listeners = configs.get("listeners");
  const all = read(listeners, clientListeners, configs);
  const [first] = all;
  if (listeners === undefined || first === undefined || all.length === 1) return;
  const own = { bind_addr: first.host || "0.0.0.0", bind_port: first.port };
  for (const [key, value] of Object.entries(own)) {
    const given = values.get(key);
    if (given === undefined || String(given.value) === String(value)) continue;
    throw new ConfigError(
      `${given.where}: ${listeners.where} lists several addresses: leave one of the two out`,
    );
  }
}

/** A listener that is the default in all but its address needs no config. */
export function withoutOwnKeys(configs: Readonly<Record<string, string>>): Record<string, string> {
  const { listeners, ...rest } = Object.fromEntries(
    Object.entries(configs).filter(([name]) => !OWN_CONFIGS.has(name)),
  );
  if (listeners === undefined) return rest;
  const [first, ...more] = clientListeners(listeners, namesIn(configs));
  const { name = "PLAINTEXT", protocol = "PLAINTEXT" } = first ?? {};
  const isDefault = name === "PLAINTEXT" && protocol === "PLAINTEXT" && more.length === 0;
  return isDefault ? rest : { ...rest, listeners };
}

function add<K extends string>(values: Map<K, Given>, key: K, given: Given): void {
  const before = values.get(key);
  if (before !== undefined && String(before.value) !== String(given.value))
    throw new ConfigError(
      `${given.where}: says ${given.value}, and ${before.where} says ${before.value}: leave one out`,
    );
  values.set(key, before ?? given);
}

function onlyDirectory({ value, where }: Given): string {
  const [directory = "", ...more] = splitList(String(value));
  if (directory !== "" && more.length === 0) return directory;
  throw new ConfigError(`${where}: must be one directory: a broker keeps everything in one`);
}

/** The items of a list of listeners; none if it was not given. */
function read<T>(
  given: Given | undefined,
  parse: (list: string, names: ListenerNames) => readonly T[],
  all: Configs,
): readonly T[] {
  if (given === undefined) return [];
  const text = (name: string) => {
    const one = all.get(name);
    return one === undefined ? undefined : String(one.value);
  };
  try {
    return parse(String(given.value), {
      protocols: text("listener.security.protocol.map"),
      controllers: text("controller.listener.names"),
    });
  } catch (error) {
    if (error instanceof ValueError) throw new ConfigError(`${given.where}: ${error.message}`);
    throw error;
  }
}
