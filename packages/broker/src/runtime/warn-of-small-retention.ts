import { toNumber } from "../config/kafka/definition.ts";
import { topicDefault } from "../config/kafka/resolve.ts";
import { type ConfigValues, configsOf, ResourceType } from "../config/kafka/set-configs.ts";
import type { Logger } from "../logging/logger.ts";
import type { Metadata } from "../metadata/metadata.ts";

const RETENTION = "retention.bytes";
const SEGMENT = "segment.bytes";
/** The defaults of all topics. */
const ALL = "";

/**
 * Warns of topics that may hold fewer bytes than one segment: only whole segments are deleted, so
 * they keep more than was asked for. Of each topic once, at the start and when its configs change.
 * Returns a function that ends this.
 */
export function warnOfSmallRetention(metadata: Metadata, logger: Logger): () => void {
  const told = new Map<string, string>();
  const tell = (topic: string, own: ConfigValues) => {
    const warning = smallRetention(metadata, topic, own);
    if (warning === null) told.delete(topic);
    else if (told.get(topic) !== warning) {
      told.set(topic, warning);
      logger.warn(warning);
    }
  };
  tell(ALL, new Map());
  const topics = metadata.image.configs.get(ResourceType.topic);
  for (const [topic, own] of topics ?? []) tell(topic, own);
  return metadata.onChange(({ configs }, image) => {
    for (const { type, name } of configs) {
      if (type === ResourceType.topic) tell(name, configsOf(image, type, name));
      if (type === ResourceType.broker) tell(ALL, new Map());
    }
  });
}

function smallRetention(metadata: Metadata, topic: string, own: ConfigValues): string | null {
  if (topic !== ALL && !own.has(RETENTION) && !own.has(SEGMENT)) return null;
  const layers = metadata.configs.layers(metadata.image);
  const inForce = (name: string) => toNumber(own.get(name) ?? topicDefault(layers, name));
  const [retention, segment] = [inForce(RETENTION), inForce(SEGMENT)];
  if (retention < 0 || retention >= segment) return null;
  const of = topic === ALL ? "topics without their own" : `topic ${topic}`;
  return (
    `${of}: ${RETENTION} (${retention}) is below ${SEGMENT} (${segment}): only whole segments are ` +
    `deleted, so a partition may keep ${segment} bytes and more; lower ${SEGMENT}`
  );
}
