import type { StateMachine } from "../state-machine/state-machine.ts";
import { applyMetadata } from "./apply.ts";
import { EMPTY_IMAGE, type MetadataImage } from "./image.ts";
import {
  configRecord,
  decodeRecord,
  encodeRecord,
  featureRecord,
  type MetadataRecord,
  partitionRecord,
  producerIdsRecord,
  registerBrokerRecord,
  topicRecord,
} from "./records.ts";

/** The metadata of the cluster, replayed from `__cluster_metadata`. */
export const metadataMachine: StateMachine<MetadataImage, MetadataRecord> = {
  initial: EMPTY_IMAGE,
  apply: applyMetadata,
  snapshot,
  encode: encodeRecord,
  decode: decodeRecord,
};

/** Features first, as Kafka's readers expect them. */
function snapshot(image: MetadataImage): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  for (const [name, level] of image.features) records.push(featureRecord(name, level));
  for (const broker of image.brokers.values()) records.push(registerBrokerRecord(broker));
  for (const topic of image.topics.values()) {
    records.push(topicRecord(topic.name, topic.id));
    topic.partitions.forEach((partition, index) => {
      records.push(partitionRecord(topic.id, index, partition));
    });
  }
  for (const [type, resources] of image.configs) {
    for (const [resource, values] of resources) {
      for (const [name, value] of values) records.push(configRecord(type, resource, name, value));
    }
  }
  if (image.nextProducerId > 0) records.push(producerIdsRecord(-1, image.nextProducerId));
  return records;
}
