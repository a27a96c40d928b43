/** Bytes read at a time while a log of held messages is followed. */
export const FOLLOW_READ_BYTES = 1_048_576;

/** Messages that a shard takes from its heap at a time. */
export const ROUND_MESSAGES = 2_000;

/** Bytes of the records of one round: it ends with the message that exceeds them. */
export const ROUND_BYTES = 4 * 1_048_576;

/**
 * Bytes of one delivery's records. Brokers send it to each other as one NATS message, which may
 * have 1 MiB by default.
 */
export const DELIVERY_BYTES = 786_432;

/** How long a round waits for its deliveries. Later rounds leave out the slow partitions. */
export const ROUND_WAIT_MS = 100;

/** Pause before a message whose target is missing is looked at again, at least. */
export const TARGET_RETRY_MS = 1_000;

/**
 * How many of these messages are looked at in a second, at most: a target that is missing must not
 * delay the messages for others, however many wait for it.
 */
export const TARGET_RETRIES_PER_SECOND = 2_000;

/** How long a target may be missing before its messages become dead letters. */
export const MISSING_TARGET_MS = 600_000;

/** Pauses between the attempts of a delivery that can't be appended now. */
export const DELIVERY_RETRY_MS = { first: 20, longest: 2_000 } as const;

/** How long an attempt may take before its outcome is unknown. */
export const DELIVERY_TIMEOUT_MS = 10_000;

/** A delivery that takes longer is told to the operator, and again after each such time. */
export const DELIVERY_WARNING_MS = 30_000;

/** The longest time until the wall clock is looked at again: it may be set while an alarm waits. */
export const LONGEST_ALARM_MS = 1_000;

/** Offsets after which a log of held messages is worth shortening, however few messages wait. */
export const SHORTEN_MIN_OFFSETS = 10_000;

/** Messages are moved when the log has this many times the offsets that they need. */
export const SHORTEN_RATIO = 4;

/** Pause between two looks at whether the log can be shortened. */
export const SHORTEN_EVERY_MS = 10_000;

/** Bytes of the log that are searched at a time for messages to move. */
export const MOVE_READ_BYTES = 262_144;

/** Two records at most so many offsets apart are read together. */
export const NEAR_OFFSETS = 500;

/** Bytes that are read for records that are near each other. */
export const NEAR_READ_BYTES = 262_144;

/** At most the bytes of a batch's header and of a record's lengths, attributes and deltas. */
export const RECORD_OVERHEAD_BYTES = 96;

/** Messages that are looked at in one turn of the event loop to find the earliest of them. */
export const WALKED_AT_A_TIME = 10_000;

/** Records that are read in one turn of the event loop for a list of messages. */
export const LISTED_AT_A_TIME = 500;

/** The messages that are looked up at a time when the earliest ones were not enough for a list. */
export const LIST_PAGE = 10_000;

/** Pause before a message is tried again whose topic of dead letters refuses it too. */
export const REFUSED_LETTER_MS = 60_000;

/** Pause before the controller is asked again for a topic of dead letters that is missing. */
export const CREATE_AGAIN_MS = 10_000;

/** The longest id of a held message, bytes. */
export const MAX_ID_BYTES = 1_024;

/**
 * How much less than `max.message.bytes` of its own topic a message may have when it is not
 * compressed: its dead letter has more headers, and must fit into a topic with the same limit.
 */
export const DEAD_LETTER_ROOM_BYTES = 4_096;
