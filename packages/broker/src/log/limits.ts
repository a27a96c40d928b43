/** Bytes of recent batches kept in memory for one log's readers at the tip. */
export const TAIL_LOG_BYTES = 4 << 20;
/** The same over all logs of an engine; the oldest batch goes first. */
export const TAIL_ENGINE_BYTES = 64 << 20;
/** What a retained batch costs besides its bytes, so that many tiny ones stay bounded too. */
export const TAIL_ENTRY_BYTES = 200;
/** A batch is copied before it is kept when it fills less than this part of its buffer. */
export const OWNED_PART = 0.5;
