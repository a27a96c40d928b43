import { AclOperation } from "@tarpan/protocol";
import type { Operation } from "./authorizer.ts";

/** What an authorizedOperations field holds when the client did not ask (KIP-430). */
export const NOT_ASKED = -2_147_483_648;

/** All operations on a topic. Without ACLs every client may do all of them. */
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

/** All operations on the cluster. */
export const ALL_CLUSTER_OPERATIONS = bits(
  "create",
  "alter",
  "describe",
  "clusterAction",
  "describeConfigs",
  "alterConfigs",
  "idempotentWrite",
);

/** All operations on a group. */
export const ALL_GROUP_OPERATIONS = bits(
  "read",
  "delete",
  "describe",
  "describeConfigs",
  "alterConfigs",
);

function bits(...names: Operation[]): number {
  return names.reduce((all, name) => all | (1 << AclOperation[name]), 0);
}
