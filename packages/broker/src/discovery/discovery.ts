/**
 * How brokers learn each other's raft addresses. Only a start needs it: nats-servers that have met
 * once find each other by themselves, so a cluster that runs goes on when discovery fails.
 */
export interface Discovery {
  /**
   * Announces this broker until `close`, and resolves to the raft addresses known so far, its own
   * included, sorted. Retries while the service it asks can't be reached.
   */
  join(self: { readonly nodeId: number; readonly raftAddress: string }): Promise<readonly string[]>;
  /** Raft addresses known now, in the form that `join` resolves to. */
  readonly peers: readonly string[];
  /** Why the service it asks can't be reached, null while it can. For status and readiness. */
  readonly problem: string | null;
  /** Withdraws the announcement, if the service answers. */
  close(): Promise<void>;
}
