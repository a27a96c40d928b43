/** How long a broker waits for another one's answer, for an HTTP client, ms. */
export const PEER_CALL_TIMEOUT_MS = 5_000;

/** The same for a group's coordinator, which may ask other brokers and wait for its log, ms. */
export const COORDINATOR_CALL_TIMEOUT_MS = 20_000;
