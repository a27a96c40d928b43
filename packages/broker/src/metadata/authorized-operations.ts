/** What an authorizedOperations field holds when the client did not ask (KIP-430). */
export const NOT_ASKED = -2_147_483_648;

/** Bit numbers of Kafka's `AclOperation`. */
const operation = {
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  clusterAction: 9,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
} as const;

/** Everything that can be done to a topic: what anyone may do while there are no ACLs. */
export const ALL_TOPIC_OPERATIONS = bits(
  "read",
  "write",
  "create",
  "delete",
  "alter",
  "describe",
  "describeConfigs",
  "alterConfigs",
);

/** Everything that can be done to the cluster. */
export const ALL_CLUSTER_OPERATIONS = bits(
  "create",
  "alter",
  "describe",
  "clusterAction",
  "describeConfigs",
  "alterConfigs",
  "idempotentWrite",
);

/** Everything that can be done to a group. */
export const ALL_GROUP_OPERATIONS = bits(
  "read",
  "delete",
  "describe",
  "describeConfigs",
  "alterConfigs",
);

function bits(...names: (keyof typeof operation)[]): number {
  return names.reduce((all, name) => all | (1 << operation[name]), 0);
}
