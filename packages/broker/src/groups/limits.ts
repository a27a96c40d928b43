/** What consumers call their protocol, in the classic groups too. */
export const CONSUMER_PROTOCOL_TYPE = "consumer";

/**
 * How long a new member's first join may wait for its group: it has no heartbeats to show that it
 * lives, and may have gone long ago. Kafka's figure, no config.
 */
export const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000;

/** Characters of a regular expression that a consumer subscribes with. */
export const MAX_REGEX_LENGTH = 1_024;

/** Instructions of a compiled regular expression: what `{m,n}` may blow it up to. */
export const MAX_REGEX_PROGRAM = 4_000;

/** Memory for the states of one compiled regular expression; past it states are made anew. */
export const MAX_REGEX_STATE_BYTES = 250_000;

/** Compiled regular expressions kept. */
export const MAX_COMPILED_REGEXES = 100;

/**
 * A generation with more subscriptions and assignments than this can't be recorded: the answer is
 * UNKNOWN_SERVER_ERROR, as where Kafka's record outgrows the topic's `max.message.bytes`. No more
 * than a frame holds, for the leader is told all subscriptions in one.
 */
export const MAX_GENERATION_BYTES = 104_857_600;

/** Bytes of records one OffsetCommit may write: a few bytes of request can name a long group id. */
export const MAX_COMMIT_BYTES = 16 * 1_048_576;

/** What a committed offset takes beside group id, topic and metadata, at most. */
export const COMMIT_RECORD_BYTES = 64;

/** Tombstones after which a look for expired offsets goes on in another turn. */
export const EXPIRED_PER_TURN = 10_000;
