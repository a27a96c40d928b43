/**
 * How brokers learn of each other's raft addresses. Only joining needs it: nats-servers that have
 * met once find each other by themselves, so discovery that is away stops no running cluster.
 */
export interface Discovery {
  /**
   * Announces this broker and resolves to the raft addresses known so far, its own included,
   * sorted. Goes on announcing it until `close`. Keeps trying while what it asks can't be reached.
   */
  join(self: { readonly nodeId: number; readonly raftAddress: string }): Promise<readonly string[]>;
  /** Raft addresses known now, as `join` gives them. */
  readonly peers: readonly string[];
  /** Why what it asks can't be reached, null while it can. For status and readiness. */
  readonly problem: string | null;
  /** Takes the announcement back, if that can be done at once. */
  close(): Promise<void>;
}
