import type { AclOperation } from "@tarpan/protocol";
import type { KafkaPrincipal } from "./principal.ts";

/** What a client wants to do with a resource. */
export type Operation = Exclude<keyof typeof AclOperation, "any" | "all">;

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
  /** False where there are no ACLs, and everything is allowed. */
  readonly hasAcls: boolean;
  allows(
    client: Client,
    operation: Operation,
    resourceType: ResourceType,
    resourceName: string,
  ): boolean;
  /** Whether the client may do it with at least one resource of the type (KIP-679). */
  allowsAny(client: Client, operation: Operation, resourceType: ResourceType): boolean;
}

/** Allows every client everything: a broker without ACLs, as Kafka without an authorizer. */
export const allowAll: Authorizer = {
  hasAcls: false,
  allows: () => true,
  allowsAny: () => true,
};
