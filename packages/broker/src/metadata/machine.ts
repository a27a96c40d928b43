import type { StateMachine } from "../state-machine/state-machine.ts";
import { applyMetadata } from "./apply.ts";
import { EMPTY_IMAGE, type MetadataImage } from "./image.ts";
import {
  aclRecord,
  clientQuotaRecord,
  configRecord,
  decodeRecord,
  encodeRecord,
  featureRecord,
  type MetadataRecord,
  partitionRecord,
  producerIdsRecord,
  registerBrokerRecord,
  scramCredentialRecord,
  topicRecord,
} from "./records.ts";

/** The state machine of the metadata, replayed from `__cluster_metadata`. */
export const metadataMachine: StateMachine<MetadataImage, MetadataRecord> = {
  initial: EMPTY_IMAGE,
  apply: applyMetadata,
  snapshot,
  encode: encodeRecord,
  decode: decodeRecord,
};

/** Features come first, because Kafka's tools need `metadata.version` to read the rest. */
function* snapshot(image: MetadataImage): Generator<readonly MetadataRecord[]> {
  for (const [name, level] of image.features) yield [featureRecord(name, level)];
  for (const broker of image.brokers.values()) yield [registerBrokerRecord(broker)];
  for (const topic of image.topics.values()) {
    yield [topicRecord(topic.name, topic.id)];
    for (const [index, partition] of topic.partitions.entries()) {
      yield [partitionRecord(topic.id, index, partition)];
    }
  }
  for (const [type, resources] of image.configs) {
    for (const [resource, values] of resources) {
      for (const [name, value] of values) yield [configRecord(type, resource, name, value)];
    }
  }
  for (const [id, acl] of image.acls) yield [aclRecord(id, acl)];
  for (const [user, credentials] of image.users) {
    for (const [mechanism, credential] of credentials) {
      yield [scramCredentialRecord(user, mechanism, credential)];
    }
  }
  for (const { entity, values } of image.quotas.values()) {
    for (const [key, value] of values) yield [clientQuotaRecord(entity, key, value)];
  }
  if (image.nextProducerId > 0) yield [producerIdsRecord(-1, image.nextProducerId)];
}
