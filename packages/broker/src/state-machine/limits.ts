/** Bytes of encoded records at which a batch takes no more decisions. A decision is never split. */
export const MAX_DECISION_BATCH_BYTES = 1_048_576;

/**
 * Bytes of one decision's records. In a cluster a batch has to fit a message of 8 MiB, and adds
 * something to its records.
 */
export const MAX_DECISION_BYTES = 7.5 * 1_048_576;

/** What a batch adds to each record, at most, in bytes: its lengths, and its offset and time. */
export const RECORD_OVERHEAD_BYTES = 32;

/** Bytes read at a time while a log is replayed. */
export const REPLAY_READ_BYTES = 4 * 1_048_576;

/** Records of a replay that are applied in one turn, rounded up to whole batches. */
export const REPLAY_SLICE_RECORDS = 1_000;

/** A log shorter than this many records is never worth a snapshot. */
export const SNAPSHOT_MIN_RECORDS = 10_000;

/** A snapshot is due when the log holds this many times the records of a snapshot. */
export const SNAPSHOT_RATIO = 4;

/** Records of a snapshot that are appended in one turn of the event loop. */
export const SNAPSHOT_SLICE_RECORDS = 1_000;
