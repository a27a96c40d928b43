import { BROKER_CONFIGS } from "../config/kafka/broker-configs.ts";
import type { ConfigTable } from "../config/kafka/definition.ts";
import { GROUP_CONFIGS } from "../config/kafka/group-configs.ts";
import { type ConfigValues, configsOf, ResourceType } from "../config/kafka/set-configs.ts";
import { ignoredConfigWarnings } from "../config/kafka/start-configs.ts";
import { TOPIC_CONFIGS } from "../config/kafka/topic-configs.ts";
import type { Logger } from "../logging/logger.ts";
import type { Metadata } from "../metadata/metadata.ts";

const TABLES: ReadonlyMap<number, ConfigTable> = new Map([
  [ResourceType.topic, TOPIC_CONFIGS],
  [ResourceType.broker, BROKER_CONFIGS],
  [ResourceType.group, GROUP_CONFIGS],
]);

/**
 * Warns of configs without effect that clients have set, or set while the broker runs: of each
 * config once. Returns a function that ends this.
 */
export function warnOfStoredConfigs(metadata: Metadata, logger: Logger): () => void {
  const told = new Map([...TABLES.keys()].map((type) => [type, new Set<string>()]));
  const tell = (type: number, resources: Iterable<ConfigValues>) => {
    const names = [...namesIn(resources)].filter((name) => !told.get(type)?.has(name));
    for (const name of names) told.get(type)?.add(name);
    for (const warning of ignoredConfigWarnings(names, TABLES.get(type))) logger.warn(warning);
  };
  for (const type of TABLES.keys()) {
    tell(type, metadata.image.configs.get(type)?.values() ?? []);
  }
  return metadata.onChange(({ configs }, image) => {
    for (const { type, name } of configs) {
      if (TABLES.has(type)) tell(type, [configsOf(image, type, name)]);
    }
  });
}

function namesIn(resources: Iterable<ConfigValues>): Set<string> {
  const names = new Set<string>();
  for (const configs of resources) for (const name of configs.keys()) names.add(name);
  return names;
}
