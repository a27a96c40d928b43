/** How long a broker that serves an HTTP client waits for another broker's answer, ms. */
export const PEER_CALL_TIMEOUT_MS = 5_000;

/** The same for a group's coordinator, which may ask other brokers and wait for its log, ms. */
export const COORDINATOR_CALL_TIMEOUT_MS = 20_000;
