/** Kafka's `Topic.MAX_NAME_LENGTH`: leaves room for the partition number in a directory name. */
export const MAX_TOPIC_NAME_LENGTH = 249;

/** How many producer ids a broker gets at a time (Kafka's `ProducerIdsBlock`). */
export const PRODUCER_ID_BLOCK_SIZE = 1_000;

/** How many partitions one request may create (Kafka's `MAX_PARTITIONS_PER_BATCH`). */
export const MAX_PARTITIONS_PER_REQUEST = 10_000;

/** How many ACLs one request may create or delete (Kafka's `MAX_RECORDS_PER_USER_OP`). */
export const MAX_ACLS_PER_REQUEST = 10_000;

/** How many preferred leaders are elected at a time (Kafka's `MAX_ELECTIONS_PER_IMBALANCE`). */
export const MAX_ELECTIONS_PER_ROUND = 1_000;

/** Partitions of a topic whose messages are held, when it is created. */
export const HELD_TOPIC_PARTITIONS = 8;

/** ACLs that are compared with a filter in one turn of the event loop; it takes a millisecond. */
export const FILTERED_ACLS_PER_TURN = 2_000;

/** Users whose keys are computed in one turn of the event loop; it takes a millisecond or two. */
export const KEYS_PER_TURN = 100;
