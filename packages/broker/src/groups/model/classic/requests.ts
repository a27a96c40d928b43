import type { JoinGroup, RequestOf, SyncGroup } from "@tarpan/protocol";

/** A JoinGroup request and its sender. */
export interface Join {
  readonly request: RequestOf<typeof JoinGroup>;
  readonly version: number;
  readonly clientId: string;
  /** As Kafka writes addresses: "/127.0.0.1". */
  readonly clientHost: string;
}

/** A SyncGroup request. */
export type Sync = RequestOf<typeof SyncGroup>;

/** A member that leaves. An admin client may name it by its instance id alone. */
export interface LeavingMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /** The client's reason (KIP-800). */
  readonly reason?: string | null;
}
