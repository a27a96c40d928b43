/** Headers of all kinds of held messages, in UTF-8. They are left out of what is delivered. */
export const HeldHeader = {
  /** The target topic. */
  topic: "tarpan-topic",
  /** The target partition, in decimals. Without it: that of the key. */
  partition: "tarpan-partition",
  /** The key at the target. Without it: the message's id. */
  key: "tarpan-key",
  /** On a message that was written again at the end of its log: its offset before, in decimals. */
  movedFrom: "tarpan-moved-from",
} as const;

/** Headers that a delivered record has beside its own. */
export const DeliveredHeader = {
  /** The id of the held message. */
  id: "tarpan-id",
  /** Its timestamp as its producer set it, ms since the epoch. */
  timestamp: "tarpan-timestamp",
} as const;
