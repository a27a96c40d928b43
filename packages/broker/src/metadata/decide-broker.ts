import { ErrorCode } from "@tarpan/protocol";
import type { Decision } from "../state-machine/replayed-state.ts";
import {
  aliveBrokers,
  electLeader,
  type RaftLeaderOf,
  UNKNOWN_RAFT_LEADERS,
} from "./elect-leader.ts";
import { SUPPORTED_FEATURES, type SupportedFeature } from "./features.ts";
import {
  type BrokerImage,
  type EndPoint,
  type MetadataImage,
  type PartitionImage,
  partitionsOf,
} from "./image.ts";
import { PRODUCER_ID_BLOCK_SIZE } from "./limits.ts";
import { tooOld } from "./metadata-level.ts";
import { DONE, type Outcome, refused } from "./outcome.ts";
import { METADATA_LEVEL } from "./record-levels.ts";
import {
  featureRecord,
  type MetadataRecord,
  partitionChangeRecord,
  producerIdsRecord,
  registerBrokerRecord,
} from "./records.ts";

export interface BrokerRegistration {
  readonly id: number;
  readonly incarnationId: string;
  readonly host: string;
  readonly port: number;
  /** See BrokerImage. */
  readonly endPoints?: readonly EndPoint[] | null;
  readonly rack: string | null;
  /**
   * Set when the broker was not stopped in order: records that were not yet durable may be gone.
   * Each partition it leads then starts a new leader epoch, so that consumers which read such
   * records can tell that the log was cut (KIP-320).
   */
  readonly unclean: boolean;
  /** Set where it has been registered before: if it is not known any more it was removed. */
  readonly returning?: boolean;
  /** What its release supports; none for a release that can't say so. */
  readonly features: readonly SupportedFeature[];
}

export interface RegistrationOptions {
  /**
   * There are other brokers. Every incarnation then starts new leader epochs, which fence what an
   * earlier one may still have on its way to a log, and partitions without a leader get one.
   */
  readonly clustered?: boolean;
  readonly raftLeaderOf?: RaftLeaderOf;
}

/** In a cluster, the same incarnation registering again changes nothing but what it says anew. */
export function decideRegisterBroker(
  image: MetadataImage,
  registration: BrokerRegistration,
  { clustered = false, raftLeaderOf = UNKNOWN_RAFT_LEADERS }: RegistrationOptions = {},
): Decision<MetadataRecord, Outcome> {
  const { unclean, returning = false, ...broker } = registration;
  const known = image.brokers.get(broker.id);
  if (returning && known === undefined) {
    const text = `broker ${broker.id} was removed from the cluster`;
    return { records: [], response: refused(ErrorCode.BROKER_ID_NOT_REGISTERED, text) };
  }
  const unfit = tooOld(image, broker);
  if (unfit !== null) {
    return { records: [], response: refused(ErrorCode.UNSUPPORTED_VERSION, unfit) };
  }
  const records: MetadataRecord[] = [];
  for (const { name, minVersion, maxVersion } of SUPPORTED_FEATURES) {
    const level = name === METADATA_LEVEL ? minVersion : maxVersion;
    if (!image.features.has(name)) records.push(featureRecord(name, level));
  }
  const again = clustered && known?.incarnationId === broker.incarnationId;
  const epoch = again ? known.epoch : (known?.epoch ?? -1) + 1;
  const next = { ...broker, epoch, fenced: false };
  if (!again || !sameRegistration(known, next)) records.push(registerBrokerRecord(next));
  const restarted = clustered ? !again : unclean;
  const alive = aliveWith(image, broker.id);
  const elected = electWhere(image, alive, raftLeaderOf, ({ leader }) => {
    return leader === broker.id ? restarted : clustered && !alive.has(leader);
  });
  return { records: [...records, ...elected], response: DONE };
}

/**
 * Fences a broker that sent no heartbeat for its session: it leads nothing and gets no new
 * partitions. Its replicas stay in their ISRs, because the engine decides what is in sync. Replies
 * false when the broker has restarted since, or was fenced before.
 */
export function decideFenceBroker(
  image: MetadataImage,
  brokerId: number,
  incarnationId: string,
  raftLeaderOf: RaftLeaderOf = UNKNOWN_RAFT_LEADERS,
): Decision<MetadataRecord, boolean> {
  const broker = image.brokers.get(brokerId);
  if (broker?.incarnationId !== incarnationId || broker.fenced) return UNCHANGED;
  const alive = aliveBrokers(image);
  alive.delete(brokerId);
  const orphaned = ({ leader }: PartitionImage) => leader === brokerId;
  const elected = electWhere(image, alive, raftLeaderOf, orphaned);
  const fenced = registerBrokerRecord({ ...broker, fenced: true });
  return { records: [fenced, ...elected], response: true };
}

/** Unfences a broker; it leads what has no leader. Replies whether the broker was fenced. */
export function decideUnfenceBroker(
  image: MetadataImage,
  brokerId: number,
  incarnationId: string,
  raftLeaderOf: RaftLeaderOf = UNKNOWN_RAFT_LEADERS,
): Decision<MetadataRecord, boolean> {
  const broker = image.brokers.get(brokerId);
  if (broker?.incarnationId !== incarnationId || !broker.fenced) return UNCHANGED;
  const alive = aliveWith(image, brokerId);
  const orphaned = ({ leader }: PartitionImage) => !alive.has(leader);
  const elected = electWhere(image, alive, raftLeaderOf, orphaned);
  const unfenced = registerBrokerRecord({ ...broker, fenced: false });
  return { records: [unfenced, ...elected], response: true };
}

const UNCHANGED = { records: [], response: false } as const;

function sameRegistration(a: BrokerImage, b: BrokerImage): boolean {
  const same = a.host === b.host && a.port === b.port && a.rack === b.rack && a.fenced === b.fenced;
  return (
    same && isEqual(a.features, b.features) && isEqual(a.endPoints ?? null, b.endPoints ?? null)
  );
}

function isEqual<T>(a: T, b: T): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function aliveWith(image: MetadataImage, brokerId: number): ReadonlySet<number> {
  const ids = [...aliveBrokers(image).add(brokerId)];
  return new Set(ids.sort((a, b) => a - b));
}

/** An election in every partition that `needs` one. Who may lead on does, in a new leader epoch. */
function electWhere(
  image: MetadataImage,
  alive: ReadonlySet<number>,
  raftLeaderOf: RaftLeaderOf,
  needs: (partition: PartitionImage) => boolean,
): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  for (const { topic, index, partition } of partitionsOf(image)) {
    if (!needs(partition)) continue;
    const leader = electLeader(partition, alive, raftLeaderOf(topic.id, index));
    records.push(partitionChangeRecord(topic.id, index, { leader }));
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
