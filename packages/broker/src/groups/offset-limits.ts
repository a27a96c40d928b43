/** Bytes of records one OffsetCommit may write: a few bytes of request can name a long group id. */
export const MAX_COMMIT_BYTES = 16 * 1_048_576;

/** What a committed offset takes beside group id, topic and metadata, at most. */
export const COMMIT_RECORD_BYTES = 64;

/** Tombstones after which a look for expired offsets goes on in another step. */
export const EXPIRED_PER_STEP = 10_000;
