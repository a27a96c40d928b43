import { ErrorCode } from "@tarpan/protocol";
import { CLUSTER_NAME, type Operation, type ResourceType } from "./authorizer.ts";

/** What a client must be allowed to do before it may use an API. */
export interface Permission<Request> {
  readonly operation: Operation;
  readonly resourceType: ResourceType;
  /**
   * The resource that decides about the whole request: the router checks it. Null when a request
   * names several resources, of which only denied ones are to be refused: that is the handler's
   * work, and no handler does it yet.
   */
  readonly nameOf: ((request: Request) => string) | null;
}

/** Without it the request is refused with CLUSTER_AUTHORIZATION_FAILED. */
export function onCluster(operation: Operation): Permission<unknown> {
  return { operation, resourceType: "cluster", nameOf: () => CLUSTER_NAME };
}

/** Without it the request is refused with GROUP_AUTHORIZATION_FAILED. */
export function onGroup(operation: Operation): Permission<{ readonly groupId: string }> {
  return { operation, resourceType: "group", nameOf: ({ groupId }) => groupId };
}

/** Without it the request is refused with TRANSACTIONAL_ID_AUTHORIZATION_FAILED. */
export function onTransactionalId(
  operation: Operation,
): Permission<{ readonly transactionalId: string }> {
  return {
    ...{ operation, resourceType: "transactionalId" },
    nameOf: ({ transactionalId }) => transactionalId,
  };
}

/** For each resource that the request names: declared, but not checked yet (see `nameOf`). */
export function onEach(operation: Operation, resourceType: ResourceType): Permission<unknown> {
  return { operation, resourceType, nameOf: null };
}

/** The error code of a request that lacks a permission, by type of resource. */
export const DENIED: Readonly<Record<ResourceType, number>> = {
  topic: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  group: ErrorCode.GROUP_AUTHORIZATION_FAILED,
  cluster: ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  transactionalId: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
};
