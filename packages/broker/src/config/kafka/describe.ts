import { BROKER_CONFIGS } from "./broker-configs.ts";
import { type ConfigDefinition, ConfigType } from "./definition.ts";
import { GROUP_CONFIGS, groupDefault } from "./group-configs.ts";
import { type BrokerLayers, brokerValue, topicDefault } from "./resolve.ts";
import type { ConfigValues } from "./set-configs.ts";
import { TOPIC_CONFIGS } from "./topic-configs.ts";
import { documentationOf, WHY } from "./why-ignored.ts";

/** Where a value comes from, as DescribeConfigs numbers it (KIP-226). */
export const ConfigSource = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
  group: 8,
} as const;

export interface ConfigSynonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: number;
}

/** One config, for the responses of DescribeConfigs and CreateTopics. */
export interface DescribedConfig {
  readonly name: string;
  /** Null for a sensitive config, and for one without a value. */
  readonly value: string | null;
  readonly source: number;
  readonly readOnly: boolean;
  readonly isSensitive: boolean;
  readonly type: number;
  readonly documentation: string;
  /** Everywhere that the config has a value; the one in effect comes first. */
  readonly synonyms: readonly ConfigSynonym[];
}

/** All configs of a topic, ascending by name. `own` holds those that it sets itself. */
export function describeTopic(layers: BrokerLayers, own: ConfigValues): DescribedConfig[] {
  return [...TOPIC_CONFIGS.values()].map((definition) => {
    const { name, synonyms } = definition;
    const set = own.get(name);
    const places = synonyms.length === 0 ? [] : brokerPlaces(layers, synonyms[0]!.name);
    if (set !== undefined) places.unshift({ name, value: set, source: ConfigSource.topic });
    return described(definition, set ?? topicDefault(layers, name), places, false);
  });
}

/** All configs of a group. `own` holds those that it sets itself. */
export function describeGroup(layers: BrokerLayers, own: ConfigValues): DescribedConfig[] {
  return [...GROUP_CONFIGS.values()].flatMap((definition) => {
    const { name, synonyms, fallback, hidden } = definition;
    const set = own.get(name);
    if (hidden && set === undefined) return [];
    const places =
      synonyms.length > 0
        ? brokerPlaces(layers, synonyms[0]!.name)
        : [{ name, value: fallback, source: ConfigSource.default }];
    if (set !== undefined) places.unshift({ name, value: set, source: ConfigSource.group });
    return [described(definition, set ?? groupDefault(layers, name), places, false)];
  });
}

/** All configs of this broker. */
export function describeBroker(layers: BrokerLayers): DescribedConfig[] {
  const { dynamic, dynamicDefault, fixed } = layers;
  const shown = [...BROKER_CONFIGS.values()].filter(({ hidden }) => !hidden);
  const names = [
    shown.map(({ name }) => name),
    dynamic.keys(),
    dynamicDefault.keys(),
    fixed.keys(),
  ];
  return [...new Set(names.flatMap((some) => [...some]))].map((name) => {
    const definition = BROKER_CONFIGS.get(name) ?? unknownConfig(name);
    const value = brokerValue(layers, name);
    const readOnly = definition.update === "read-only";
    return described(definition, value, brokerPlaces(layers, name), readOnly);
  });
}

/**
 * The dynamic configs of another broker. Only that broker knows the configs that it was started
 * with, so clients ask it for those.
 */
export function describeOtherBroker(
  dynamic: ConfigValues,
  dynamicDefault: ConfigValues,
): DescribedConfig[] {
  const layers = { dynamic, dynamicDefault, fixed: new Map() };
  const isKnown = ({ source }: { readonly source: number }) =>
    source === ConfigSource.dynamicBroker || source === ConfigSource.dynamicDefaultBroker;
  return describeBroker(layers)
    .filter(isKnown)
    .map((config) => ({ ...config, synonyms: config.synonyms.filter(isKnown) }));
}

/** The configs set at run time for all brokers: Kafka's broker resource with an empty name. */
export function describeAllBrokers(layers: BrokerLayers): DescribedConfig[] {
  return [...layers.dynamicDefault].map(([name, value]) => {
    const place = { name, value, source: ConfigSource.dynamicDefaultBroker };
    return described(BROKER_CONFIGS.get(name) ?? unknownConfig(name), value, [place], false);
  });
}

/** An unknown config is kept, as in Kafka. Its value may be a secret, so it is never shown. */
function unknownConfig(name: string): ConfigDefinition {
  return {
    ...{ name, type: "password", fallback: null, check: null, update: "per-broker", synonyms: [] },
    ...{ doc: "", ignored: WHY.unknown, hidden: true },
  };
}

function described(
  { name, type, doc, ignored }: ConfigDefinition,
  value: string | null,
  places: readonly ConfigSynonym[],
  readOnly: boolean,
): DescribedConfig {
  const isSensitive = type === "password";
  return {
    name,
    value: isSensitive ? null : value,
    source: places[0]?.source ?? ConfigSource.default,
    readOnly,
    isSensitive,
    type: ConfigType[type],
    documentation: documentationOf(doc, ignored),
    synonyms: isSensitive ? places.map((place) => ({ ...place, value: null })) : places,
  };
}

/**
 * Everywhere that a broker config has a value, in the order of precedence. As in Kafka, synonyms
 * are listed only after a value of the config itself: log.retention.hours only if log.retention.ms
 * is set.
 */
function brokerPlaces(layers: BrokerLayers, name: string): ConfigSynonym[] {
  const names = chainOf(name);
  const { dynamic, dynamicDefault, fixed } = layers;
  const places = [
    [(one: string) => dynamic.get(one), ConfigSource.dynamicBroker],
    [(one: string) => dynamicDefault.get(one), ConfigSource.dynamicDefaultBroker],
    [(one: string) => fixed.get(one), ConfigSource.staticBroker],
    [(one: string) => BROKER_CONFIGS.get(one)?.fallback, ConfigSource.default],
  ] as const;
  const found = places.flatMap(([valueIn, source]) =>
    names.flatMap((one) => {
      const value = valueIn(one);
      return value == null ? [] : [{ name: one, value, source }];
    }),
  );
  const first = found.findIndex((place) => place.name === name);
  return first < 0 ? [] : found.slice(first);
}

/** A config and its synonyms, by precedence: `log.retention.ms`, `.minutes`, `.hours`. */
function chainOf(name: string): readonly string[] {
  for (const { synonyms } of TOPIC_CONFIGS.values()) {
    const names = synonyms.map((synonym) => synonym.name);
    // The scheduler's interval gives log.flush.interval.ms its default, not the other way round.
    if (names.includes(name) && name !== "log.flush.scheduler.interval.ms") return names;
  }
  return [name];
}
