import type { GroupRecord } from "@tarpan/protocol";
import type { TopicPartitions } from "./consumer/assignment.ts";
import type { ClassicSessionTimer } from "./timers.ts";

/** What shows that a member lives: it has so long until it must show it again. */
export interface Session {
  readonly session: ClassicSessionTimer;
  readonly sessionTimeoutMs: number;
}

/** What offsets, listing and deletion need of a group, whichever protocol its members speak. */
export interface GroupLike {
  readonly groupId: string;
  readonly kind: "classic" | "consumer";
  /** Kafka's name of the state: `Empty`, `Stable`, `PreparingRebalance` … */
  readonly stateName: string;
  /** `consumer` for consumers; "" for a classic group that never had a member. */
  readonly protocolType: string;

  /**
   * Whether this member may commit. `generation` is the member epoch in a consumer group; below 0
   * with an empty member id it is a consumer without a group (assign). Answers an error code:
   * UNKNOWN_MEMBER_ID 25, ILLEGAL_GENERATION 22, STALE_MEMBER_EPOCH 113, FENCED_INSTANCE_ID 82,
   * REBALANCE_IN_PROGRESS 27, UNSUPPORTED_VERSION 35 (a member of the consumer protocol below v9 of
   * OffsetCommit), or NONE. `wanted`: the partitions to commit, asked for where they matter.
   */
  validateOffsetCommit(
    memberId: string,
    groupInstanceId: string | null,
    generation: number,
    apiVersion: number,
    wanted: () => readonly TopicPartitions[],
  ): number;
  /** Whether this member may read offsets; OffsetFetch below v9 names none (null, -1). */
  validateOffsetFetch(memberId: string | null, memberEpoch: number): number;
  /** Offsets of such a topic are neither deleted nor expired. */
  isSubscribedTo(topic: string): boolean;
  /** The session that begins anew when the member commits, as Kafka does in classic groups. */
  committed?(memberId: string): Session | undefined;
  /**
   * Since when offsets without a commit time-out of their own may expire: wall ms of the moment the
   * group became empty, null while it has members (KIP-211).
   */
  readonly emptySinceMs: number | null;
  /** NONE, or NON_EMPTY_GROUP 68 while there are members. */
  validateDelete(): number;
  /** Tombstones of everything recorded of the group itself; its offsets are not among them. */
  tombstones(): GroupRecord[];
}
