import { BROKER_CONFIGS } from "./broker-configs.ts";
import { splitList, toNumber } from "./definition.ts";
import { type ConfigValues, configsOf, ResourceType, type SetConfigs } from "./set-configs.ts";
import { TOPIC_CONFIGS } from "./topic-configs.ts";
import {
  type BrokerConfig,
  brokerConfigOf,
  type ConfigReader,
  type PlainCompression,
  type TopicConfig,
  topicConfigOf,
} from "./typed.ts";

const COMPRESSION = "compression.type";

/** Broker configs by where they were set, in the order of precedence. */
export interface BrokerLayers {
  /** Set on this broker at run time. */
  readonly dynamic: ConfigValues;
  /** Set at run time for all brokers. */
  readonly dynamicDefault: ConfigValues;
  /** Given at start. */
  readonly fixed: ReadonlyMap<string, string>;
}

/**
 * Resolves configs from defaults, start settings and the metadata. Typed results are cached until
 * the maps that they came from change; images share unchanged maps, so a call usually costs two
 * look-ups.
 */
export class ConfigResolver {
  readonly #nodeName: string;
  readonly #fixed: ReadonlyMap<string, string>;
  #layers: BrokerLayers;
  #broker: BrokerConfig | null = null;
  #topics = new WeakMap<ConfigValues, TopicConfig>();
  /** One object for all topics, as long as it says the same. */
  #plain: PlainCompression | null = null;

  constructor(nodeId: number, kafkaConfigs: Readonly<Record<string, string>>) {
    this.#nodeName = String(nodeId);
    const own = { "node.id": this.#nodeName, "broker.id": this.#nodeName };
    this.#fixed = new Map(Object.entries({ ...kafkaConfigs, ...own }));
    this.#layers = { dynamic: new Map(), dynamicDefault: new Map(), fixed: this.#fixed };
  }

  layers(image: SetConfigs): BrokerLayers {
    const dynamic = configsOf(image, ResourceType.broker, this.#nodeName);
    const dynamicDefault = configsOf(image, ResourceType.broker, "");
    if (dynamic !== this.#layers.dynamic || dynamicDefault !== this.#layers.dynamicDefault) {
      this.#layers = { dynamic, dynamicDefault, fixed: this.#fixed };
      this.#broker = null;
      this.#topics = new WeakMap();
    }
    return this.#layers;
  }

  broker(image: SetConfigs): BrokerConfig {
    const layers = this.layers(image);
    this.#broker ??= brokerConfigOf(reader((name) => brokerValue(layers, name)));
    return this.#broker;
  }

  topic(image: SetConfigs, topic: string): TopicConfig {
    const layers = this.layers(image);
    const own = configsOf(image, ResourceType.topic, topic);
    const known = this.#topics.get(own);
    if (known !== undefined) return known;
    const configs = reader((name) => own.get(name) ?? topicDefault(layers, name));
    const config = topicConfigOf(configs, this.#plainCompression(image, own));
    this.#topics.set(own, config);
    return config;
  }

  /** A topic or broker that names a `compression.type`, even `producer`, wants no other. */
  #plainCompression(image: SetConfigs, own: ConfigValues): PlainCompression | null {
    const layers = this.layers(image);
    const broker = this.broker(image);
    const { tarpanCompressionType: type } = broker;
    const isNamed = own.has(COMPRESSION) || setBrokerValue(layers, COMPRESSION) !== undefined;
    if (type === "none" || isNamed) return null;
    const { tarpanCompressionThresholdBytes: thresholdBytes } = broker;
    const known = this.#plain;
    if (known?.type === type && known.thresholdBytes === thresholdBytes) return known;
    this.#plain = { type, thresholdBytes };
    return this.#plain;
  }
}

/** The effective value of a broker config; null when it has neither a value nor a default. */
export function brokerValue(layers: BrokerLayers, name: string): string | null {
  return setBrokerValue(layers, name) ?? BROKER_CONFIGS.get(name)?.fallback ?? null;
}

/** The value for a topic that does not set it: the first synonym set, else Kafka's default. */
export function topicDefault(layers: BrokerLayers, name: string): string {
  const definition = TOPIC_CONFIGS.get(name)!;
  for (const synonym of definition.synonyms) {
    const value = setBrokerValue(layers, synonym.name);
    if (value !== undefined) return scaled(value, synonym.factor);
  }
  return definition.fallback!;
}

/** A broker config's value in the unit of its topic config; -1 remains -1: no limit. */
export function scaled(value: string, factor: number): string {
  return factor === 1 || Number(value) < 0 ? value : String(Number(value) * factor);
}

function setBrokerValue(layers: BrokerLayers, name: string): string | undefined {
  return layers.dynamic.get(name) ?? layers.dynamicDefault.get(name) ?? layers.fixed.get(name);
}

function reader(get: (name: string) => string | null): ConfigReader {
  const text = (name: string) => (get(name) ?? "").trim();
  return {
    number: (name) => toNumber(text(name)),
    flag: (name) => text(name).toLowerCase() === "true",
    text,
    list: (name) => splitList(text(name)),
  };
}
