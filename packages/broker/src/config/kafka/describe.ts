import type { ConfigValues } from "../../metadata/image.ts";
import { BROKER_CONFIGS } from "./broker-configs.ts";
import { type ConfigDefinition, ConfigType } from "./definition.ts";
import { type BrokerLayers, brokerValue, topicDefault } from "./resolve.ts";
import { TOPIC_CONFIGS } from "./topic-configs.ts";

/** Where a value comes from, as DescribeConfigs numbers it (KIP-226). */
export const ConfigSource = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
} as const;

export interface ConfigSynonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: number;
}

/** One config as DescribeConfigs and CreateTopics tell it. */
export interface DescribedConfig {
  readonly name: string;
  /** Null for a sensitive config, and for one that has no value. */
  readonly value: string | null;
  readonly source: number;
  readonly readOnly: boolean;
  readonly isSensitive: boolean;
  readonly type: number;
  readonly documentation: string;
  /** Every place that could have given the value, the one that did first. */
  readonly synonyms: readonly ConfigSynonym[];
}

/** All configs of a topic that was given `own`, by name. */
export function describeTopic(layers: BrokerLayers, own: ConfigValues): DescribedConfig[] {
  return [...TOPIC_CONFIGS.values()].map((definition) => {
    const { name, synonyms } = definition;
    const set = own.get(name);
    const places = synonyms.flatMap((synonym) => brokerPlaces(layers, synonym.name));
    if (set !== undefined) places.unshift({ name, value: set, source: ConfigSource.topic });
    return described(definition, set ?? topicDefault(layers, name), places, false);
  });
}

/** All configs of this broker, by name. */
export function describeBroker(layers: BrokerLayers): DescribedConfig[] {
  return [...BROKER_CONFIGS.values()].map((definition) => {
    const places = chainOf(definition.name).flatMap((name) => brokerPlaces(layers, name));
    const value = brokerValue(layers, definition.name);
    return described(definition, value, places, definition.update === "read-only");
  });
}

/**
 * Configs of another broker, as far as they were set at run time, by name: what it was started with
 * only it knows, and clients ask it themselves.
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

/** What was set at run time for all brokers: Kafka's resource of a broker without a name. */
export function describeAllBrokers(layers: BrokerLayers): DescribedConfig[] {
  return [...layers.dynamicDefault].flatMap(([name, value]) => {
    const definition = BROKER_CONFIGS.get(name);
    const place = { name, value, source: ConfigSource.dynamicDefaultBroker };
    return definition === undefined ? [] : described(definition, value, [place], false);
  });
}

function described(
  { name, type, doc }: ConfigDefinition,
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
    documentation: doc,
    synonyms: isSensitive ? places.map((place) => ({ ...place, value: null })) : places,
  };
}

/** Where a broker config has a value, the strongest place first. */
function brokerPlaces(layers: BrokerLayers, name: string): ConfigSynonym[] {
  const { dynamic, dynamicDefault, fixed } = layers;
  const places: [string | null | undefined, number][] = [
    [dynamic.get(name), ConfigSource.dynamicBroker],
    [dynamicDefault.get(name), ConfigSource.dynamicDefaultBroker],
    [fixed.get(name), ConfigSource.staticBroker],
    [BROKER_CONFIGS.get(name)?.fallback, ConfigSource.default],
  ];
  return places.flatMap(([value, source]) => (value == null ? [] : { name, value, source }));
}

/** `log.retention.ms` falls back to `.minutes`, then to `.hours`: the topic config's own list. */
function chainOf(name: string): readonly string[] {
  for (const { synonyms } of TOPIC_CONFIGS.values()) {
    const at = synonyms.findIndex((synonym) => synonym.name === name);
    if (at >= 0) return synonyms.slice(at).map((synonym) => synonym.name);
  }
  return [name];
}
