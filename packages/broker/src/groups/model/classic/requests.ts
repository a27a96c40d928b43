import type { JoinGroup, RequestOf, SyncGroup } from "@tarpan/protocol";

/** A JoinGroup request and who sent it. */
export interface Join {
  readonly request: RequestOf<typeof JoinGroup>;
  readonly version: number;
  readonly clientId: string;
  /** As Kafka writes addresses: "/127.0.0.1". */
  readonly clientHost: string;
}

/** A SyncGroup request. */
export type Sync = RequestOf<typeof SyncGroup>;

/** Named by its id, or, by an operator, by its instance id alone. */
export interface Leaving {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /** What the client says of it (KIP-800). */
  readonly reason?: string | null;
}
