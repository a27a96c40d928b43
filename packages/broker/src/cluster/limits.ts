/** How often a broker tells the others that it lives. */
export const HEARTBEAT_INTERVAL_MS = 400;

/**
 * Silence after which the controller takes a broker for dead. Kafka's `broker.session.timeout.ms`
 * is 9 s; a wrong guess costs little here, for fencing is the log's and needs no clock.
 */
export const BROKER_SESSION_MS = 2_400;

/**
 * A broker that has heard too few of the others for this long, or has slept for it, serves nobody:
 * it is to be silent before the others may lead what it led. So this is a good deal less than the
 * session above: no clocks are compared, but they are taken to run about equally fast.
 */
export const ISOLATED_AFTER_MS = 1_600;

/** Silence after which another broker tries to become the controller. */
export const CONTROLLER_SESSION_MS = 2_000;

/** Candidates try one after another, in the order of their ids, this far apart. */
export const CANDIDATE_STEP_MS = 600;

/**
 * Longest pause of a candidate that was fenced by a controller it does not hear. The first is
 * `CONTROLLER_SESSION_MS`, each further one twice as long.
 */
export const DUEL_PAUSE_MAX_MS = 16_000;

/** How often the controller looks at brokers and partitions. */
export const CONTROLLER_TICK_MS = 300;

/** How often it asks the engine where replicas are. */
export const REPLICA_STATES_INTERVAL_MS = 2_000;

/** Raft leaders that are asked to move at a time. */
export const RAFT_MOVES_PER_ROUND = 16;

/** What a caller waits for the controller, if its own time-out is not shorter. */
export const CONTROLLER_CALL_TIMEOUT_MS = 30_000;

/** Pause before a controller that is gone, or not yet there, is looked for again. */
export const CONTROLLER_RETRY_MS = 100;

/** How often a broker that waits for its cluster says so. */
export const PROGRESS_INTERVAL_MS = 5_000;

/** How long a broker that stops waits for others to take over what it leads. */
export const LEAVE_TIMEOUT_MS = 5_000;

/** Replicas of the metadata where there are as many brokers. */
export const METADATA_REPLICAS = 5;

/** A followed partition that no consumer has asked for during this time is closed. */
export const FOLLOWED_IDLE_MS = 60_000;

/**
 * How long the making of a topic waits for brokers that are on their way. Less than clients wait
 * for an answer, and what brokers that start together need.
 */
export const GATHERING_WAIT_MS = 10_000;

/** What a broker waits for the controller to say how far its log reaches. */
export const END_TIMEOUT_MS = 500;
