// The options of Broker.start. They may come from JavaScript, where no compiler has checked them:
// an undetected mistake could leave a broker without durability.

import { nearest } from "@tarpan/protocol/internal/nearest";
import type { Logger } from "../logging/logger.ts";
import { ConfigError } from "./config-error.ts";
import { brokerConfigRefusal } from "./kafka/start-configs.ts";
import { listenersOf } from "./listeners.ts";
import { addOwnKeys, ownKeys, withoutOwnKeys } from "./own-keys.ts";
import type { BrokerSettings, FlushPolicy } from "./settings.ts";
import type { Given } from "./sources.ts";
import { integer, oneOf, type Parse, refuse, ValueError } from "./values.ts";

export interface BrokerOptions {
  /** Port to listen on, 0 … 65535. Default 0: any free one. */
  readonly port?: number;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Where records are kept. Default: `segment` when there is a `dataDir`, else `memory`. */
  readonly storage?: "memory" | "segment";
  /** Data directory, made when it is missing. */
  readonly dataDir?: string;
  /**
   * When an append counts as durable. Default `always`: after it has been synced. The string
   * `interval` means every second.
   */
  readonly flush?: FlushPolicy | FlushPolicy["mode"];
  /** Kafka's broker id, 0 … 2^31-1. Default: the data directory's own, 1 in a new one. */
  readonly nodeId?: number;
  /**
   * Kafka broker configs by Kafka's names, as in `{ "num.partitions": 3 }`. Defaults are Kafka's,
   * except that `group.initial.rebalance.delay.ms` is 0 with storage `memory`: tests would wait
   * three seconds for each group.
   */
  readonly configs?: Readonly<Record<string, string | number | boolean>>;
  /** Default: silent. */
  readonly logger?: Logger;
}

const DEFAULT_FLUSH_INTERVAL_MS = 1000;
const INT32_MAX = 2_147_483_647;

const IN_MEMORY = { "group.initial.rebalance.delay.ms": "0" };

const flushMode = oneOf("always", "interval", "never");
const intervalMs = integer(1, INT32_MAX);

const PARSERS = {
  port: integer(0, 65_535),
  host: string,
  storage: oneOf("memory", "segment"),
  dataDir: string,
  flush: flushPolicy,
  nodeId: integer(0, INT32_MAX),
  configs: kafkaConfigs,
  logger: loggerOf,
} as const satisfies Record<keyof BrokerOptions, Parse<unknown>>;

/** A number is refused: in code it is a mistake, not the name of a directory. */
function string(value: unknown): string {
  return typeof value === "string" && value !== "" ? value : refuse("a text", value);
}

type Parsed = { [K in keyof typeof PARSERS]?: ReturnType<(typeof PARSERS)[K]> };

interface ReadOptions {
  readonly settings: BrokerSettings;
  readonly logger?: Logger;
  /** When false, a node id in the data directory overrides the one of the settings. */
  readonly nodeIdGiven: boolean;
}

/** Throws ConfigError, whose message names the option. An undefined option counts as not given. */
export function readBrokerOptions(options: BrokerOptions): ReadOptions {
  const parsed = withConfigs(checked(options));
  const { dataDir, nodeId = 1, logger } = parsed;
  const storage = parsed.storage ?? (dataDir === undefined ? "memory" : "segment");
  if (storage === "segment" && dataDir === undefined) {
    throw new ConfigError('Broker.start: storage: "segment" needs a dataDir');
  }
  if (storage === "memory" && dataDir !== undefined) {
    throw new ConfigError('Broker.start: dataDir: storage "memory" keeps nothing in a directory');
  }
  const settings: BrokerSettings = {
    nodeId,
    bindAddress: parsed.host ?? "127.0.0.1",
    bindPort: parsed.port ?? 0,
    storage,
    dataDirectory: dataDir ?? "",
    flush: parsed.flush ?? { mode: "always" },
    kafkaConfigs: { ...(storage === "memory" && IN_MEMORY), ...parsed.configs },
    cluster: null,
  };
  // Throws for listeners that contradict each other.
  listenersOf(settings, "Broker.start: ");
  return { settings, nodeIdGiven: parsed.nodeId !== undefined, ...(logger && { logger }) };
}

const KEY_OF = { nodeId: "node_id", dataDir: "data_dir", host: "bind_addr", port: "bind_port" };

/** Adds the options that Kafka's configs set: `{ "log.dirs": "./data" }` sets `dataDir`. */
function withConfigs(parsed: Parsed): Parsed {
  const configs = new Map<string, Given>();
  for (const [name, value] of Object.entries(parsed.configs ?? {})) {
    const where = `Broker.start: configs: ${name}`;
    const problem = brokerConfigRefusal(name, value);
    if (problem !== null) throw new ConfigError(`${where}: ${problem}`);
    configs.set(name, { value, where });
  }
  const values = new Map<string, Given>();
  for (const [option, key] of Object.entries(KEY_OF)) {
    const value = parsed[option as keyof typeof KEY_OF];
    if (value !== undefined) values.set(key, { value, where: option });
  }
  addOwnKeys(values, ownKeys(configs));
  const own = Object.entries(KEY_OF).flatMap(([option, key]) => {
    const value = values.get(key)?.value;
    return value === undefined ? [] : [[option, option === "nodeId" ? Number(value) : value]];
  });
  const rest = parsed.configs && { configs: withoutOwnKeys(parsed.configs) };
  return { ...parsed, ...Object.fromEntries(own), ...rest };
}

function checked(options: unknown): Parsed {
  const parsed: Record<string, unknown> = {};
  try {
    for (const [name, value] of entriesOf(options, Object.keys(PARSERS))) {
      parsed[name] = named(name, () => PARSERS[name as keyof typeof PARSERS](value));
    }
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new ConfigError(`Broker.start: ${error.message}`);
  }
  return parsed;
}

/** The properties of an object that are not undefined. Throws ValueError for an unknown name. */
function entriesOf(object: unknown, known: readonly string[]): [string, unknown][] {
  const entries = Object.entries(record(object)).filter(([, value]) => value !== undefined);
  const unknown = entries.find(([name]) => !known.includes(name))?.[0];
  if (unknown === undefined) return entries;
  const near = nearest(unknown, known);
  const hint = near === null ? `known are ${known.join(", ")}` : `did you mean "${near}"?`;
  throw new ValueError(`unknown option "${unknown}"; ${hint}`);
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (
    typeof value !== "object" ||
    value === null ||
    Array.isArray(value) ||
    isClassInstance(value)
  ) {
    refuse("a plain object", value);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** Its inherited properties would be ignored silently. */
function isClassInstance(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype !== null && Object.getPrototypeOf(prototype) !== null;
}

function named<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new ValueError(`${name}: ${error.message}`);
  }
}

function flushPolicy(value: unknown): FlushPolicy {
  if (typeof value !== "object") return policyOf(flushMode(value), undefined);
  const given = Object.fromEntries(entriesOf(value, ["mode", "intervalMs"]));
  return policyOf(
    named("mode", () => flushMode(given.mode)),
    given.intervalMs,
  );
}

function policyOf(mode: FlushPolicy["mode"], interval: unknown): FlushPolicy {
  if (mode === "interval") {
    if (interval === undefined) return { mode, intervalMs: DEFAULT_FLUSH_INTERVAL_MS };
    return { mode, intervalMs: named("intervalMs", () => intervalMs(interval)) };
  }
  if (interval !== undefined) throw new ValueError(`intervalMs: needs mode "interval" with it`);
  return { mode };
}

/** Only checks the types; `withConfigs` checks names and values. */
function kafkaConfigs(value: unknown): Readonly<Record<string, string>> {
  const configs = Object.entries(record(value)).filter(([, config]) => config !== undefined);
  return Object.fromEntries(
    configs.map(([name, config]) => {
      const isPlain = ["string", "number", "boolean"].includes(typeof config);
      const refused = () => refuse("a string, a number or a boolean", config);
      return [name, isPlain ? String(config) : named(name, refused)];
    }),
  );
}

function loggerOf(value: unknown): Logger {
  if (typeof value !== "object" || value === null) refuse("an object", value);
  const logger = value as Readonly<Record<string, unknown>>;
  for (const level of ["debug", "info", "warn", "error"]) {
    if (typeof logger[level] === "function") continue;
    throw new ValueError(`has no function "${level}"; a logger has debug, info, warn and error`);
  }
  return value as Logger;
}
