import type { TrieMap } from "../../util/trie-map.ts";

export type ConfigValues = ReadonlyMap<string, string>;

/** `ConfigResource.Type` of Kafka. */
export const ResourceType = {
  topic: 2,
  broker: 4,
  brokerLogger: 8,
  clientMetrics: 16,
  group: 32,
} as const;

/** The configs set at run time, by resource type (`ResourceType`), then by resource name. */
export interface SetConfigs {
  readonly configs: ReadonlyMap<number, TrieMap<ConfigValues>>;
}

const NO_CONFIGS: ConfigValues = new Map();

/** The configs set on a resource. The broker resource named "" holds those of all brokers. */
export function configsOf({ configs }: SetConfigs, type: number, name: string): ConfigValues {
  return configs.get(type)?.get(name) ?? NO_CONFIGS;
}
