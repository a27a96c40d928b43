/** What the shards of one kind on this broker have done since it started. */
export class HeldCounts {
  /** Resolutions that commit a message. */
  committed = 0;
  /** Resolutions that roll one back. */
  rolledBack = 0;
  /** Messages that became dead letters, because nobody resolved them. */
  unresolved = 0;
  /** Resolutions for messages that do not wait for one. */
  ignored = 0;
  /** Checks that were delivered. */
  checks = 0;
}
