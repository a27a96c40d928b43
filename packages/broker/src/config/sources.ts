// Reads flags, environment and file by one table of keys: load.ts merges them.

import { nearest } from "@tarpan/protocol/internal/nearest";
import { ConfigError } from "./config-error.ts";
import { type FileEntry, readConfigFile } from "./file.ts";
import { BROKER_CONFIGS } from "./kafka/broker-configs.ts";
import {
  ALIASES,
  CONFIG_VARIABLE,
  ENVIRONMENT_PREFIX,
  environmentName,
  KAFKA_PREFIX,
  KEYS,
  type KeyName,
} from "./keys.ts";
import { ValueError } from "./values.ts";

export interface ConfigSources {
  /** By flag name without dashes (`bind-port`); `kafka` holds `name=value` texts. */
  readonly flags?: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  /** The process environment; only variables that begin with TARPAN_ are read. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly file?: { readonly path: string; readonly text: string } | undefined;
}

/** The parsed values of one source, each with its position for errors. */
export interface Layer {
  readonly values: Map<KeyName, Given>;
  /** By Kafka's name. */
  readonly kafka: Map<string, Given>;
}

export interface Given {
  readonly value: unknown;
  /** `broker.yaml:12: bind_port`, `--bind-port` or `TARPAN_BIND_PORT`. */
  readonly where: string;
  /** As it was written, where `value` is not. */
  readonly written?: unknown;
}

const flagName = (usage: string) => /^--([a-z-]+)/.exec(usage)![1]!;

const keyOfFlag = new Map<string, KeyName>(
  Object.entries(KEYS).flatMap(([name, key]) =>
    "flag" in key ? [[flagName(key.flag), name as KeyName]] : [],
  ),
);

export interface FlagHelp {
  readonly name: string;
  readonly argument: string | null;
  readonly help: string;
}

/** The broker's flags, for the command line's parser and help. */
export function brokerFlags(): FlagHelp[] {
  return [...keyOfFlag].map(([name, keyName]) => {
    const { flag, help } = KEYS[keyName] as { flag: string; help: string };
    return { name, argument: flag.split(" ")[1] ?? null, help };
  });
}

export function readFlags(flags: NonNullable<ConfigSources["flags"]>): Layer {
  const layer = emptyLayer();
  for (const [name, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    if (name === "kafka") {
      for (const pair of [value].flat()) addKafkaFlag(layer, String(pair));
      continue;
    }
    const key = keyOfFlag.get(name);
    if (key === undefined) throw new ConfigError(`--${name}: unknown flag`);
    add(layer, key, value, `--${name}`);
  }
  return layer;
}

function addKafkaFlag(layer: Layer, pair: string): void {
  const at = pair.indexOf("=");
  if (at < 1) throw new ConfigError(`--kafka: must be name=value, not ${JSON.stringify(pair)}`);
  const name = pair.slice(0, at);
  if (BROKER_CONFIGS.get(name)?.type === "password")
    throw new ConfigError(
      `--kafka ${name}: is a secret, and every user of this machine can read command lines: set ` +
        "it in the file",
    );
  layer.kafka.set(name, { value: pair.slice(at + 1), where: `--kafka ${name}` });
}

/** Variables that Kubernetes sets for a service named "tarpan", or "tarpan-kafka". */
const OF_KUBERNETES = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)$/;

function isOfKubernetes(variable: string, value: string): boolean {
  if (variable.endsWith("_PORT") && /^(tcp|udp|sctp):\/\//.test(value)) return true;
  return OF_KUBERNETES.test(variable);
}

export function readEnvironment(environment: NonNullable<ConfigSources["environment"]>): {
  layer: Layer;
  warnings: string[];
} {
  const layer = emptyLayer();
  const warnings: string[] = [];
  const keyOfVariable = new Map(
    Object.keys(KEYS).map((key) => [environmentName(key), key as KeyName]),
  );
  const kafkaPrefix = environmentName(KAFKA_PREFIX);
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith(ENVIRONMENT_PREFIX) || value === undefined || value === "") continue;
    if (variable === CONFIG_VARIABLE) continue;
    const key = keyOfVariable.get(variable);
    if (key !== undefined) add(layer, key, value, variable);
    else if (isOfKubernetes(variable, value)) continue;
    else if (variable.startsWith(kafkaPrefix)) {
      const name = variable.slice(kafkaPrefix.length).toLowerCase().replaceAll("_", ".");
      layer.kafka.set(name, { value, where: variable });
    } else {
      const near = nearest(variable.slice(ENVIRONMENT_PREFIX.length), [
        ...Object.keys(KEYS),
        "config",
      ]);
      if (near === null) continue;
      warnings.push(`${variable} is not known; did you mean ${environmentName(near)}?`);
    }
  }
  return { layer, warnings };
}

/** `refuse` is called for each entry that is wrong; by default it throws. */
export async function readFileLayer(
  file: { path: string; text: string },
  refuse: (error: ConfigError) => void = fail,
): Promise<Layer> {
  const layer = emptyLayer();
  for (const entry of await readConfigFile(file.path, file.text, isKey)) {
    try {
      addEntry(layer, entry);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      refuse(error);
    }
  }
  return layer;
}

function fail(error: ConfigError): never {
  throw error;
}

function addEntry(layer: Layer, { name, value, where: place }: FileEntry): void {
  const where = `${place}: ${name}`;
  if (name.startsWith(KAFKA_PREFIX)) {
    if (value === null) throw new ConfigError(`${where}: has no value`);
    layer.kafka.set(name.slice(KAFKA_PREFIX.length), { value, where });
    return;
  }
  const key = keyOf(name);
  // "raft:" with nothing after it sets nothing.
  if (value === null && (key !== undefined || isSection(name))) return;
  if (key === undefined) throw unknownKey(place, name);
  const before = layer.values.get(key);
  if (before !== undefined) throw new ConfigError(`${where}: given before, at ${before.where}`);
  add(layer, key, value, where);
}

function add(layer: Layer, name: KeyName, value: unknown, where: string): void {
  try {
    layer.values.set(name, { value: KEYS[name].parse(value), where, written: value });
  } catch (error) {
    if (error instanceof ValueError) throw new ConfigError(`${where}: ${error.message}`);
    throw error;
  }
}

function keyOf(name: string): KeyName | undefined {
  return Object.hasOwn(KEYS, name) ? (name as KeyName) : ALIASES[name];
}

const isSection = (name: string) =>
  [...Object.keys(KEYS), ...Object.keys(ALIASES), KAFKA_PREFIX].some((key) =>
    key.startsWith(`${name}.`),
  );

const isKey = (name: string) => keyOf(name) !== undefined;

function unknownKey(where: string, name: string): ConfigError {
  const known = [...Object.keys(KEYS), ...Object.keys(ALIASES), "kafka"];
  const last = name.slice(name.lastIndexOf(".") + 1);
  // If no key is similar, this one may only be in the wrong section.
  const misplaced = known.find((key) => key.slice(key.lastIndexOf(".") + 1) === last);
  const near = nearest(name, known) ?? misplaced;
  const hint = near ? `did you mean "${near}"?` : `see "tarpan broker --help" for the keys`;
  return new ConfigError(`${where}: unknown key "${name}"; ${hint}`);
}

function emptyLayer(): Layer {
  return { values: new Map(), kafka: new Map() };
}
