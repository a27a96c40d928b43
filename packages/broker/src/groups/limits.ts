/** The protocol type of consumers, in classic groups too. */
export const CONSUMER_PROTOCOL_TYPE = "consumer";

/**
 * How long the first JoinGroup of a new member may wait for the rebalance. The member sends no
 * heartbeats yet, so the coordinator can't tell whether it still exists. Kafka's constant.
 */
export const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000;

/**
 * Characters of a client or instance id that a generated member id begins with. Of up to three
 * bytes each, they and the rest must fit into a string of the protocol.
 */
export const MAX_MEMBER_NAME_LENGTH = 10_000;

/** Characters of a regular expression that a consumer subscribes to. */
export const MAX_REGEX_LENGTH = 1_024;

/** Instructions of a compiled regular expression: `{m,n}` makes many of few characters. */
export const MAX_REGEX_PROGRAM = 4_000;

/** Memory for the states of one compiled regular expression; beyond it RE2 drops its states. */
export const MAX_REGEX_STATE_BYTES = 250_000;

/** Compiled regular expressions in the cache. */
export const MAX_COMPILED_REGEXES = 100;

/**
 * A generation whose subscriptions and assignments are larger can't be recorded. The members get
 * UNKNOWN_SERVER_ERROR, as in Kafka when the record exceeds `max.message.bytes` (1 MiB). In a
 * cluster it has to fit a message of 8 MiB: one that does not ends the shard, at each attempt.
 */
export const MAX_GENERATION_BYTES = 7 * 1_048_576;

/** Of the records of one OffsetCommit or TxnOffsetCommit: each repeats the group id. As above. */
export const MAX_COMMIT_BYTES = 7 * 1_048_576;

/** The most that a record of an offset takes beside group id, topic and metadata. */
export const COMMIT_RECORD_BYTES = 72;

/** Tombstones after which the check for expired offsets continues in another turn. */
export const EXPIRED_PER_TURN = 10_000;
