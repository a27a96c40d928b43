import type { Operation } from "./authorizer.ts";

/** What an authorizedOperations field holds when the client did not ask (KIP-430). */
export const NOT_ASKED = -2_147_483_648;

/** Types of resources whose answers have such a field. */
export type AuthorizedResource = "topic" | "group" | "cluster";

/** The operations there are, by type of resource (Kafka's `AclEntry`). */
export const ALL_OF: Readonly<Record<AuthorizedResource, readonly Operation[]>> = {
  topic: [
    ...(["read", "write", "create", "delete", "alter", "describe"] as const),
    ...(["describeConfigs", "alterConfigs"] as const),
  ],
  group: ["read", "delete", "describe", "describeConfigs", "alterConfigs"],
  cluster: [
    ...(["create", "alter", "describe", "clusterAction", "describeConfigs"] as const),
    ...(["alterConfigs", "idempotentWrite"] as const),
  ],
};
