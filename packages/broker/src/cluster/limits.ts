/** How often a broker sends a heartbeat to all others. */
export const HEARTBEAT_INTERVAL_MS = 400;

/**
 * The controller fences a broker that sent no heartbeat for this long. Kafka's
 * `broker.session.timeout.ms` is 9 s. Shorter is safe here: leader epochs in the logs keep a former
 * leader from writing, so a wrong guess costs only a change of leaders.
 */
export const BROKER_SESSION_MS = 2_400;

/**
 * A broker is isolated, and serves nothing, when it got heartbeats from fewer than half of the
 * brokers that hold the metadata for this long, or when its process was paused for this long. This
 * is well below `BROKER_SESSION_MS`: it must stop serving before others may lead its partitions.
 * Clocks are not compared, but they are assumed to run about equally fast.
 */
export const ISOLATED_AFTER_MS = 1_600;

/** Other brokers try to become the controller when it sent no heartbeat for this long. */
export const CONTROLLER_SESSION_MS = 2_000;

/** Candidates try to become the controller in the order of their ids, this far apart. */
export const CANDIDATE_STEP_MS = 600;

/**
 * Longest pause of a candidate that was fenced by a controller whose heartbeats it does not get.
 * The first pause is `CONTROLLER_SESSION_MS`, each further one is twice as long.
 */
export const CANDIDATE_BACK_OFF_MAX_MS = 16_000;

/** How often the controller fences and unfences brokers by their heartbeats. */
export const CONTROLLER_TICK_MS = 300;

/** How often the controller asks the engine where replicas and Raft leaders are. */
export const REPLICA_STATES_INTERVAL_MS = 2_000;

/** How many Raft leaders are asked to move at a time. */
export const RAFT_MOVES_PER_ROUND = 16;

/** How long a call of the controller may take, unless the operation says otherwise. */
export const CONTROLLER_CALL_TIMEOUT_MS = 30_000;

/**
 * How long a call is repeated that the controller does not serve. A controller that starts or stops
 * is another one by then; one of an older release is not.
 */
export const UNSUPPORTED_CALL_MS = 5_000;

/** Pause before a call is tried again when there is no controller, or storage does not answer. */
export const CONTROLLER_RETRY_MS = 100;

/** How often a broker that waits for its cluster logs what it waits for. */
export const PROGRESS_INTERVAL_MS = 5_000;

/** How long a broker that stops waits for others to take over its partitions. */
export const LEAVE_TIMEOUT_MS = 5_000;

/** Replicas of the metadata in a cluster of at least this many brokers. */
export const METADATA_REPLICAS = 5;

/** A followed partition that no consumer fetched from for this long is closed. */
export const FOLLOWER_IDLE_MS = 60_000;

/**
 * How long creating a topic waits for brokers that are expected to register. Brokers that start
 * together register within this time, and clients wait longer than this for a response.
 */
export const BROKERS_EXPECTED_WAIT_MS = 10_000;

/** How long a broker waits when it asks the controller for the end of the metadata log. */
export const METADATA_END_TIMEOUT_MS = 500;
