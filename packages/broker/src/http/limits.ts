/** Body of a request. */
export const MAX_BODY_BYTES = 64 * 1024;

/** When a client may ask again for what was loading. */
export const RETRY_AFTER_SECONDS = 1;
