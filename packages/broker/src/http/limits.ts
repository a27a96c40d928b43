/** Bytes of a request's body. */
export const MAX_BODY_BYTES = 64 * 1024;

/** When a client may retry while a coordinator loads. */
export const RETRY_AFTER_SECONDS = 1;
