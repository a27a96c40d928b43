/** Most bytes of a request's body. */
export const MAX_BODY_BYTES = 64 * 1024;

/** When a client may retry if the coordinator is not available. */
export const RETRY_AFTER_SECONDS = 1;

/** Items of one list, at most. */
export const MAX_LISTED = 10_000;
