import type { GroupRecord } from "@tarpan/protocol";
import type { TopicPartitions } from "./consumer/assignment.ts";
import type { ClassicSessionTimer } from "./timers.ts";

/** A member's session: the member is removed when it sends no request for `sessionTimeoutMs`. */
export interface Session {
  readonly session: ClassicSessionTimer;
  readonly sessionTimeoutMs: number;
}

/** What offsets, listing and deletion need of a group of either protocol. */
export interface GroupLike {
  readonly groupId: string;
  readonly kind: "classic" | "consumer";
  /** Kafka's name of the state: `Empty`, `Stable`, `PreparingRebalance` … */
  readonly stateName: string;
  /** `consumer` for consumers; "" for a classic group that never had a member. */
  readonly protocolType: string;

  /**
   * Whether this member may commit. `generation` is the member epoch in a consumer group; it is
   * below 0, with an empty member id, for a standalone consumer (assign). Returns an error code:
   * UNKNOWN_MEMBER_ID 25, ILLEGAL_GENERATION 22, STALE_MEMBER_EPOCH 113, FENCED_INSTANCE_ID 82,
   * REBALANCE_IN_PROGRESS 27, UNSUPPORTED_VERSION 35 (a member of the consumer protocol below v9 of
   * OffsetCommit), or NONE. `apiVersion` is that of OffsetCommit; null for a TxnOffsetCommit, which
   * need not name a member, and may come during a rebalance (KIP-447). `wanted` returns the
   * partitions to commit; called only when needed.
   */
  validateOffsetCommit(
    memberId: string,
    groupInstanceId: string | null,
    generation: number,
    apiVersion: number | null,
    wanted: () => readonly TopicPartitions[],
  ): number;
  /** Whether this member may read offsets; OffsetFetch below v9 names no member (null, -1). */
  validateOffsetFetch(memberId: string | null, memberEpoch: number): number;
  /** Offsets of a subscribed topic can't be deleted and do not expire. */
  isSubscribedTo(topic: string): boolean;
  /** The session that a commit extends: in classic groups only, as in Kafka. */
  committed?(memberId: string): Session | undefined;
  /**
   * Wall ms when the group became empty, null while it has members. The retention of offsets that
   * were committed before begins then (KIP-211).
   */
  readonly emptySinceMs: number | null;
  /** NONE, or NON_EMPTY_GROUP 68 while there are members. */
  validateDelete(): number;
  /** Tombstones of all records of the group, but not of its offsets. */
  tombstones(): GroupRecord[];
}

/** Standalone consumers (assign), and clients of TxnOffsetCommit before v3, which has no member. */
export function namesNoMember(
  memberId: string,
  groupInstanceId: string | null,
  generation: number,
): boolean {
  return generation < 0 && memberId === "" && groupInstanceId === null;
}
