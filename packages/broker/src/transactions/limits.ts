/** Tombstones after which the check for unused transactional ids continues in another turn. */
export const EXPIRED_PER_TURN = 10_000;

/** Pauses between attempts to write the markers of a transaction. */
export const MARKER_RETRY_MS = { first: 20, longest: 1_000 } as const;

/** The pause between attempts to abort a transaction that took too long. */
export const ABORT_RETRY_MS = 1_000;

/** How long another broker may take to write markers, or to answer about a transaction. */
export const BROKER_CALL_TIMEOUT_MS = 10_000;

/** How long markers may fail before that is logged as a warning, and how often it is repeated. */
export const MARKER_WARNING_MS = 10_000;

/** Transactions in one request to a broker. */
export const TRANSACTIONS_PER_REQUEST = 1_000;
