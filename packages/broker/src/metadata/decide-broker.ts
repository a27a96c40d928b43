import type { Decision } from "../state-machine/replayed.ts";
import { SUPPORTED_FEATURES } from "./features.ts";
import type { MetadataImage } from "./image.ts";
import { PRODUCER_ID_BLOCK_SIZE } from "./limits.ts";
import {
  featureRecord,
  leaderChangeRecord,
  type MetadataRecord,
  producerIdsRecord,
  registerBrokerRecord,
} from "./records.ts";

export interface BrokerRegistration {
  readonly id: number;
  readonly incarnationId: string;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  /**
   * Set when the broker was not stopped in order: records that were not yet durable may be gone.
   * Each partition it leads then starts a new leader epoch, so that consumers which read such
   * records can tell that the log was cut (KIP-320).
   */
  readonly unclean: boolean;
}

export function decideRegisterBroker(
  image: MetadataImage,
  registration: BrokerRegistration,
): Decision<MetadataRecord, void> {
  const { unclean, ...broker } = registration;
  const epoch = (image.brokers.get(broker.id)?.epoch ?? -1) + 1;
  const records: MetadataRecord[] = [];
  for (const { name, maxVersion } of SUPPORTED_FEATURES) {
    if (!image.features.has(name)) records.push(featureRecord(name, maxVersion));
  }
  records.push(registerBrokerRecord({ ...broker, epoch, fenced: false }));
  const epochs = unclean ? newLeaderEpochs(image, broker.id) : [];
  return { records: [...records, ...epochs], response: undefined };
}

function newLeaderEpochs(image: MetadataImage, nodeId: number): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  for (const { id, partitions } of image.topics.values()) {
    partitions.forEach(({ leader }, index) => {
      if (leader === nodeId) records.push(leaderChangeRecord(id, index, leader));
    });
  }
  return records;
}

/** The next block of producer ids; its first one. Nobody else is given an id of it, ever. */
export function decideProducerIds(
  image: MetadataImage,
  nodeId: number,
): Decision<MetadataRecord, number> {
  const first = image.nextProducerId;
  return {
    records: [producerIdsRecord(nodeId, first + PRODUCER_ID_BLOCK_SIZE)],
    response: first,
  };
}
