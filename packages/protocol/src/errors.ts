/**
 * The table of Kafka's error codes. Codes and names are the protocol's, the texts are ours. The
 * third column says whether the error is retriable: the same request may succeed later.
 */
const table = [
  [-1, "UNKNOWN_SERVER_ERROR", false, "The broker met an error it did not expect."],
  [0, "NONE", false, "No error."],
  [1, "OFFSET_OUT_OF_RANGE", false, "The offset is outside the partition's log."],
  [2, "CORRUPT_MESSAGE", true, "The record batch is damaged: checksum, size or key is wrong."],
  [3, "UNKNOWN_TOPIC_OR_PARTITION", true, "This broker does not know the topic or partition."],
  [4, "INVALID_FETCH_SIZE", false, "The fetch size is not valid."],
  [5, "LEADER_NOT_AVAILABLE", true, "The partition has no leader at the moment."],
  [6, "NOT_LEADER_OR_FOLLOWER", true, "This broker does not lead or hold the partition."],
  [7, "REQUEST_TIMED_OUT", true, "The request timed out; it may still take effect."],
  [8, "BROKER_NOT_AVAILABLE", false, "The broker is not available."],
  [9, "REPLICA_NOT_AVAILABLE", true, "The replica is not available on this broker."],
  [10, "MESSAGE_TOO_LARGE", false, "The record batch is larger than this topic accepts."],
  [11, "STALE_CONTROLLER_EPOCH", false, "The controller has moved to another broker."],
  [12, "OFFSET_METADATA_TOO_LARGE", false, "The metadata committed with an offset is too long."],
  [13, "NETWORK_EXCEPTION", true, "The connection closed before the response came."],
  [14, "COORDINATOR_LOAD_IN_PROGRESS", true, "The coordinator is still loading its state."],
  [15, "COORDINATOR_NOT_AVAILABLE", true, "There is no coordinator at the moment."],
  [16, "NOT_COORDINATOR", true, "Another broker is the coordinator."],
  [
    17,
    "INVALID_TOPIC_EXCEPTION",
    false,
    "The topic's name is not valid, or the topic is internal.",
  ],
  [18, "RECORD_LIST_TOO_LARGE", false, "The record batch is larger than a log segment."],
  [19, "NOT_ENOUGH_REPLICAS", true, "Too few in-sync replicas; nothing was written."],
  [20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", true, "Written, but to too few in-sync replicas."],
  [21, "INVALID_REQUIRED_ACKS", false, "acks must be -1, 0 or 1."],
  [22, "ILLEGAL_GENERATION", false, "The generation is not the group's current one."],
  [23, "INCONSISTENT_GROUP_PROTOCOL", false, "The member shares no protocol with its group."],
  [24, "INVALID_GROUP_ID", false, "The group id is not valid."],
  [25, "UNKNOWN_MEMBER_ID", false, "The group has no such member."],
  [26, "INVALID_SESSION_TIMEOUT", false, "The session timeout is outside the broker's limits."],
  [27, "REBALANCE_IN_PROGRESS", false, "The group is rebalancing: join again."],
  [28, "INVALID_COMMIT_OFFSET_SIZE", false, "The committed offset is too large to store."],
  [29, "TOPIC_AUTHORIZATION_FAILED", false, "Not authorised for the topic."],
  [30, "GROUP_AUTHORIZATION_FAILED", false, "Not authorised for the group."],
  [31, "CLUSTER_AUTHORIZATION_FAILED", false, "Not authorised for the cluster."],
  [32, "INVALID_TIMESTAMP", false, "The record's timestamp is outside the accepted range."],
  [33, "UNSUPPORTED_SASL_MECHANISM", false, "The broker does not offer this SASL mechanism."],
  [34, "ILLEGAL_SASL_STATE", false, "The request does not fit this step of authentication."],
  [35, "UNSUPPORTED_VERSION", false, "The broker does not support this version."],
  [36, "TOPIC_ALREADY_EXISTS", false, "A topic of this name exists."],
  [37, "INVALID_PARTITIONS", false, "The number of partitions is not valid."],
  [38, "INVALID_REPLICATION_FACTOR", false, "The replication factor can't be met."],
  [39, "INVALID_REPLICA_ASSIGNMENT", false, "The assignment of replicas is not valid."],
  [40, "INVALID_CONFIG", false, "A configuration value is not valid."],
  [41, "NOT_CONTROLLER", true, "Another broker is the controller."],
  [42, "INVALID_REQUEST", false, "The request contradicts itself or the protocol."],
  [43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", false, "The log's record format does not support this."],
  [44, "POLICY_VIOLATION", false, "The request violates the broker's policy."],
  [45, "OUT_OF_ORDER_SEQUENCE_NUMBER", false, "The producer's sequence has a gap."],
  [46, "DUPLICATE_SEQUENCE_NUMBER", false, "The producer's sequence was seen before."],
  [47, "INVALID_PRODUCER_EPOCH", false, "A newer producer of this id has taken over."],
  [48, "INVALID_TXN_STATE", false, "The transaction's state does not allow this."],
  [49, "INVALID_PRODUCER_ID_MAPPING", false, "The transactional id has another producer id."],
  [50, "INVALID_TRANSACTION_TIMEOUT", false, "The transaction timeout is above the maximum."],
  [51, "CONCURRENT_TRANSACTIONS", true, "Another operation on this transaction is in progress."],
  [52, "TRANSACTION_COORDINATOR_FENCED", false, "A newer transaction coordinator has taken over."],
  [53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", false, "Not authorised for the transactional id."],
  [54, "SECURITY_DISABLED", false, "Security is disabled on this broker."],
  [55, "OPERATION_NOT_ATTEMPTED", false, "Not attempted: another part of the request failed."],
  [56, "KAFKA_STORAGE_ERROR", true, "The broker can't read or write its disk."],
  [57, "LOG_DIR_NOT_FOUND", false, "The broker has no such log directory."],
  [58, "SASL_AUTHENTICATION_FAILED", false, "Authentication failed."],
  [59, "UNKNOWN_PRODUCER_ID", false, "The broker no longer knows this producer."],
  [60, "REASSIGNMENT_IN_PROGRESS", false, "The partition is being reassigned."],
  [61, "DELEGATION_TOKEN_AUTH_DISABLED", false, "Delegation tokens are disabled."],
  [62, "DELEGATION_TOKEN_NOT_FOUND", false, "There is no such delegation token."],
  [
    63,
    "DELEGATION_TOKEN_OWNER_MISMATCH",
    false,
    "The delegation token belongs to another principal.",
  ],
  [64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", false, "No delegation tokens on this connection."],
  [65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", false, "Not authorised for the delegation token."],
  [66, "DELEGATION_TOKEN_EXPIRED", false, "The delegation token has expired."],
  [67, "INVALID_PRINCIPAL_TYPE", false, "This type of principal is not supported."],
  [68, "NON_EMPTY_GROUP", false, "The group still has members."],
  [69, "GROUP_ID_NOT_FOUND", false, "There is no such group."],
  [70, "FETCH_SESSION_ID_NOT_FOUND", true, "There is no such fetch session."],
  [71, "INVALID_FETCH_SESSION_EPOCH", true, "The fetch session is at another epoch."],
  [72, "LISTENER_NOT_FOUND", true, "The leader has no listener of this name."],
  [73, "TOPIC_DELETION_DISABLED", false, "Deleting topics is disabled."],
  [74, "FENCED_LEADER_EPOCH", true, "The client's leader epoch is older than the broker's."],
  [75, "UNKNOWN_LEADER_EPOCH", true, "The client's leader epoch is newer than the broker's."],
  [76, "UNSUPPORTED_COMPRESSION_TYPE", false, "This version does not allow the compression."],
  [77, "STALE_BROKER_EPOCH", false, "The broker epoch is old: the broker has registered again."],
  [78, "OFFSET_NOT_AVAILABLE", true, "The new leader does not know the end of its log yet."],
  [79, "MEMBER_ID_REQUIRED", false, "Join again with the member id given here."],
  [80, "PREFERRED_LEADER_NOT_AVAILABLE", true, "The preferred leader is not available."],
  [81, "GROUP_MAX_SIZE_REACHED", false, "The group is full."],
  [82, "FENCED_INSTANCE_ID", false, "Another member has taken this group instance id."],
  [83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", true, "No replica may become leader."],
  [84, "ELECTION_NOT_NEEDED", true, "The partition already has the right leader."],
  [85, "NO_REASSIGNMENT_IN_PROGRESS", false, "The partition is not being reassigned."],
  [86, "GROUP_SUBSCRIBED_TO_TOPIC", false, "The group still consumes the topic."],
  [87, "INVALID_RECORD", false, "The broker's validation refused a record."],
  [88, "UNSTABLE_OFFSET_COMMIT", true, "A transaction may still change the committed offset."],
  [89, "THROTTLING_QUOTA_EXCEEDED", true, "A quota is used up for now."],
  [90, "PRODUCER_FENCED", false, "A newer producer of this transactional id has taken over."],
  [91, "RESOURCE_NOT_FOUND", false, "The resource does not exist."],
  [92, "DUPLICATE_RESOURCE", false, "The request names a resource twice."],
  [93, "UNACCEPTABLE_CREDENTIAL", false, "The credential does not meet the requirements."],
  [94, "INCONSISTENT_VOTER_SET", false, "Sender or receiver is not among the voters."],
  [95, "INVALID_UPDATE_VERSION", false, "The version to update to is not valid."],
  [96, "FEATURE_UPDATE_FAILED", false, "The features could not be updated."],
  [97, "PRINCIPAL_DESERIALIZATION_FAILURE", false, "A forwarded principal does not parse."],
  [98, "SNAPSHOT_NOT_FOUND", false, "There is no such snapshot."],
  [99, "POSITION_OUT_OF_RANGE", false, "The position lies outside the snapshot."],
  [100, "UNKNOWN_TOPIC_ID", true, "This broker does not know the topic id."],
  [101, "DUPLICATE_BROKER_REGISTRATION", false, "Another broker uses this id."],
  [102, "BROKER_ID_NOT_REGISTERED", false, "No broker is registered under this id."],
  [103, "INCONSISTENT_TOPIC_ID", true, "The topic has another id."],
  [104, "INCONSISTENT_CLUSTER_ID", false, "This is another cluster."],
  [105, "TRANSACTIONAL_ID_NOT_FOUND", false, "There is no such transactional id."],
  [106, "FETCH_SESSION_TOPIC_ID_ERROR", true, "The fetch session mixes topic names and ids."],
  [107, "INELIGIBLE_REPLICA", false, "A broker of the new in-sync set is not eligible."],
  [108, "NEW_LEADER_ELECTED", false, "The change was made and brought a new leader."],
  [109, "OFFSET_MOVED_TO_TIERED_STORAGE", false, "The offset has moved to tiered storage."],
  [110, "FENCED_MEMBER_EPOCH", false, "The member is fenced: drop all partitions and rejoin."],
  [111, "UNRELEASED_INSTANCE_ID", false, "A member that has not left uses this instance id."],
  [112, "UNSUPPORTED_ASSIGNOR", false, "The group does not support this assignor."],
  [113, "STALE_MEMBER_EPOCH", false, "The member epoch is old: heartbeat, then try again."],
  [114, "MISMATCHED_ENDPOINT_TYPE", false, "This endpoint is of another type."],
  [115, "UNSUPPORTED_ENDPOINT_TYPE", false, "This type of endpoint is not supported."],
  [116, "UNKNOWN_CONTROLLER_ID", false, "There is no controller of this id."],
  [117, "UNKNOWN_SUBSCRIPTION_ID", false, "The telemetry subscription is not the current one."],
  [118, "TELEMETRY_TOO_LARGE", false, "The telemetry is larger than the broker accepts."],
  [119, "INVALID_REGISTRATION", false, "The broker's registration is not valid."],
  [120, "TRANSACTION_ABORTABLE", false, "The transaction failed; abort it to go on."],
  [121, "INVALID_RECORD_STATE", false, "The record can't be acknowledged in its state."],
  [122, "SHARE_SESSION_NOT_FOUND", true, "There is no such share session."],
  [123, "INVALID_SHARE_SESSION_EPOCH", true, "The share session is at another epoch."],
  [124, "FENCED_STATE_EPOCH", false, "The share group's state is at another epoch."],
  [125, "INVALID_VOTER_KEY", false, "The voter key is not this replica's."],
  [126, "DUPLICATE_VOTER", false, "The voter is in the set already."],
  [127, "VOTER_NOT_FOUND", false, "The voter is not in the set."],
  [128, "INVALID_REGULAR_EXPRESSION", false, "The regular expression is not valid."],
  [129, "REBOOTSTRAP_REQUIRED", false, "The client's metadata is stale: bootstrap again."],
  [130, "STREAMS_INVALID_TOPOLOGY", false, "The streams topology is not valid."],
  [131, "STREAMS_INVALID_TOPOLOGY_EPOCH", false, "The streams topology epoch is not valid."],
  [132, "STREAMS_TOPOLOGY_FENCED", false, "The streams topology epoch is old."],
  [133, "SHARE_SESSION_LIMIT_REACHED", true, "The broker has no room for a share session."],
  [134, "GROUP_DELETION_FAILED", false, "The group could not be deleted."],
  [135, "STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED", false, "The topology was not stored."],
  [136, "CONTROLLER_ID_NOT_REGISTERED", false, "No controller has registered with this id."],
] as const;

type Row = (typeof table)[number];

/** The name of an error, as in `UNKNOWN_TOPIC_OR_PARTITION`. */
export type ErrorName = Row[1];

/** Codes by name. */
export const ErrorCode = Object.fromEntries(table.map(([code, name]) => [name, code])) as {
  readonly [R in Row as R[1]]: R[0];
};

/** A code of the table. Not `number`, so that no count or offset is mistaken for a code. */
export type ErrorCode = (typeof ErrorCode)[ErrorName];

export interface KafkaError {
  readonly code: number;
  readonly name: ErrorName;
  readonly retriable: boolean;
  readonly message: string;
}

const byCode: ReadonlyMap<number, KafkaError> = new Map(
  table.map(([code, name, retriable, message]) => [code, { code, name, retriable, message }]),
);

/**
 * The error of a code. A code that Kafka does not have counts as UNKNOWN_SERVER_ERROR, as in
 * Kafka's clients.
 */
export function errorOf(code: number): KafkaError {
  return byCode.get(code) ?? byCode.get(ErrorCode.UNKNOWN_SERVER_ERROR)!;
}
