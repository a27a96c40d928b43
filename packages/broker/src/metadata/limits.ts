/** Kafka's `Topic.MAX_NAME_LENGTH`: leaves room for the partition number in a directory name. */
export const MAX_TOPIC_NAME_LENGTH = 249;

/** Producer ids handed to a broker at a time (Kafka's `ProducerIdsBlock`). */
export const PRODUCER_ID_BLOCK_SIZE = 1_000;

/** Partitions one request may create (Kafka's `MAX_PARTITIONS_PER_BATCH`). */
export const MAX_PARTITIONS_PER_REQUEST = 10_000;

/** Leaders moved at a time to where they are preferred (Kafka's `MAX_ELECTIONS_PER_IMBALANCE`). */
export const MAX_ELECTIONS_PER_ROUND = 1_000;

/** Length of a config value, so that it fits every string field it is sent in. */
export const MAX_CONFIG_VALUE_LENGTH = 32_767;
