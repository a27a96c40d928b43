/**
 * The consumer groups. Everything but `usage` rejects with AdminError when it can't be done, also
 * while the coordinators load.
 */
export interface GroupsAdmin {
  list(): Promise<readonly GroupSummary[]>;
  describe(groupId: string): Promise<GroupDetail>;
  /** Deletes a group without members, and its committed offsets. */
  delete(groupId: string): Promise<void>;
  /** Plans a reset, and commits it when `execute` is set. */
  resetOffsets(groupId: string, reset: OffsetReset): Promise<readonly OffsetMove[]>;
  /** For the metrics; empty while the coordinators load. */
  usage(): Promise<GroupUsage>;
}

export interface GroupSummary {
  readonly groupId: string;
  readonly kind: "classic" | "consumer";
  /** Kafka's name: `Empty`, `Stable` … */
  readonly state: string;
  readonly protocolType: string;
  readonly memberCount: number;
}

export interface GroupDetail extends GroupSummary {
  readonly members: readonly GroupMember[];
  readonly offsets: readonly GroupOffset[];
}

export interface GroupMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Null when it is not in the consumer protocol's format. */
  readonly assignment: readonly { topic: string; partitions: readonly number[] }[] | null;
}

export interface GroupOffset {
  readonly topic: string;
  readonly partition: number;
  readonly committedOffset: number;
  /** Null when the partition is offline or gone; so is `lag`. */
  readonly endOffset: number | null;
  /** Records not consumed yet; 0 when the committed offset is past the log's end. */
  readonly lag: number | null;
}

export interface GroupUsage {
  readonly groups: readonly GroupSummary[];
  readonly offsets: readonly (GroupOffset & { readonly groupId: string })[];
}

export interface OffsetReset {
  readonly topic: string;
  /** Null for all of the topic. */
  readonly partitions: readonly number[] | null;
  readonly to: ResetTarget;
  /** False only plans. */
  readonly execute: boolean;
}

/** Offsets outside the log become the nearest one inside. A timestamp is ms since the epoch. */
export type ResetTarget =
  | "earliest"
  | "latest"
  | { readonly offset: number }
  | { readonly timestamp: number }
  | { readonly shiftBy: number };

export interface OffsetMove {
  readonly partition: number;
  /** Null when nothing is committed. */
  readonly from: number | null;
  readonly to: number;
}
