/** What a broker waits, on behalf of an HTTP client, for another one to say what it knows. */
export const PEER_CALL_TIMEOUT_MS = 5_000;

/** The same for a group's coordinator, which may have to ask others and to wait for its own log. */
export const COORDINATOR_CALL_TIMEOUT_MS = 20_000;
