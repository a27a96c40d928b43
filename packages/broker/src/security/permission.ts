import { ErrorCode } from "@tarpan/protocol";
import { CLUSTER_NAME, type Operation, type ResourceType } from "./authorizer.ts";

/** What a client must be allowed to do before it may use an API. */
export interface Permission<Request> {
  /** One of these suffices. */
  readonly anyOf: readonly Operation[];
  readonly resourceType: ResourceType;
  /**
   * The resource that decides about the whole request: the router checks it. Null when a request
   * names several resources, of which only denied ones are refused or left out: that is the
   * handler's work, see handlers/allowed.ts.
   */
  readonly nameOf: ((request: Request) => string) | null;
}

/** Without one of them the request is refused with CLUSTER_AUTHORIZATION_FAILED. */
export function onCluster(...anyOf: readonly Operation[]): Permission<unknown> {
  return { anyOf, resourceType: "cluster", nameOf: () => CLUSTER_NAME };
}

/** Without it the request is refused with GROUP_AUTHORIZATION_FAILED. */
export function onGroup(operation: Operation): Permission<{ readonly groupId: string }> {
  return { anyOf: [operation], resourceType: "group", nameOf: ({ groupId }) => groupId };
}

/** Without it the request is refused with TRANSACTIONAL_ID_AUTHORIZATION_FAILED. */
export function onTransactionalId(
  operation: Operation,
): Permission<{ readonly transactionalId: string }> {
  return {
    ...{ anyOf: [operation], resourceType: "transactionalId" },
    nameOf: ({ transactionalId }) => transactionalId,
  };
}

/** For each resource that the request names, or whose name would be in the answer. */
export function onEach(operation: Operation, resourceType: ResourceType): Permission<unknown> {
  return { anyOf: [operation], resourceType, nameOf: null };
}

/** The error code of a request that lacks a permission, by type of resource. */
export const DENIED: Readonly<Record<ResourceType, ErrorCode>> = {
  topic: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  group: ErrorCode.GROUP_AUTHORIZATION_FAILED,
  cluster: ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  transactionalId: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
};
