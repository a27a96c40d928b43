import type { AskedPartitions, Elections } from "./decide-elect-leaders.ts";
import type { ReassignedTopic, ReassignOptions } from "./decide-reassign.ts";
import type { Outcome, TopicOutcomes } from "./outcome.ts";
import type { OngoingReassignments } from "./reassignment.ts";

/**
 * What only the controller decides, asked of whichever broker a client came to. An answer whose own
 * `errorCode` is set (the controller can't be reached, or could not store what it decided) says
 * nothing of single topics.
 */
export interface ClusterAdmin {
  /** Null asks for all partitions. `type`: see ElectionType. */
  electLeaders(
    type: number,
    partitions: readonly AskedPartitions[] | null,
    timeoutMs: number,
  ): Promise<Elections>;
  /** Begins and cancels; the data moves in the background. */
  alterReassignments(
    topics: readonly ReassignedTopic[],
    options: ReassignOptions & { readonly timeoutMs: number },
  ): Promise<Reassigned>;
  /** Null asks for all that are under way. */
  listReassignments(topics: readonly ListedTopic[] | null): Promise<Ongoing>;
  /** Forgets a broker for good. */
  unregisterBroker(brokerId: number): Promise<Outcome>;
  /** Who keeps the cluster's metadata. */
  quorum(): Promise<Quorum>;
}

export type Reassigned = Outcome & { readonly topics: readonly TopicOutcomes[] };
export type Ongoing = Outcome & { readonly topics: readonly OngoingReassignments[] };

export interface ListedTopic {
  readonly name: string;
  readonly partitionIndexes: readonly number[];
}

export interface Quorum {
  /** -1 while there is none. */
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly voters: readonly QuorumReplica[];
  readonly observers: readonly QuorumReplica[];
}

export interface QuorumReplica {
  readonly id: number;
  readonly logEndOffset: number;
  /** Wall clock, ms since the epoch; -1 when unknown. */
  readonly lastFetchMs: number;
  readonly lastCaughtUpMs: number;
}
