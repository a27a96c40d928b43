import type { KafkaPrincipal } from "./principal.ts";

/** Numbers of Kafka's `AclOperation`; also the bits of an authorizedOperations field (KIP-430). */
export const AclOperation = {
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

/** Kafka's `ResourceType`, the types that exist here. */
export type ResourceType = "topic" | "group" | "cluster" | "transactionalId";

/** The one resource of type cluster; Kafka's `Resource.CLUSTER_NAME`. */
export const CLUSTER_NAME = "kafka-cluster";

/** The sender of a request. */
export interface Client {
  readonly principal: KafkaPrincipal;
  /** An IP address without a port, in the form in which ACLs name hosts. */
  readonly remoteAddress: string;
}

/** Decides which client may do what. Runs for every request, so it is synchronous. */
export interface Authorizer {
  allows(
    client: Client,
    operation: keyof typeof AclOperation,
    resourceType: ResourceType,
    resourceName: string,
  ): boolean;
}

/** Allows every client everything: a broker without ACLs, as Kafka without an authorizer. */
export const allowAll: Authorizer = { allows: () => true };
