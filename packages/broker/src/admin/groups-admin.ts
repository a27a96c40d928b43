/**
 * Reads and changes consumer groups. All operations except `usage` reject with AdminError, also
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
  /** Null if its bytes are not in the format of protocol type "consumer". */
  readonly assignment: readonly { topic: string; partitions: readonly number[] }[] | null;
}

export interface GroupOffset {
  readonly topic: string;
  readonly partition: number;
  readonly committedOffset: number;
  /** Null, as is `lag`, when the partition is offline or deleted, or its leader does not answer. */
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
  /** Null for all partitions of the topic. */
  readonly partitions: readonly number[] | null;
  readonly to: ResetTarget;
  /** If false, the reset is only planned. */
  readonly execute: boolean;
}

/** An offset outside the log becomes the nearest one in it. A timestamp is ms since the epoch. */
export type ResetTarget =
  | "earliest"
  | "latest"
  | { readonly offset: number }
  | { readonly timestamp: number }
  | { readonly shiftBy: number };

export interface OffsetMove {
  readonly partition: number;
  /** The committed offset; null if there is none. */
  readonly from: number | null;
  readonly to: number;
}
