// What `onEach` permissions mean in handlers: each resource of a request is checked on its own.
import { AclOperation } from "@tarpan/protocol";
import { ResourceType as ConfigResourceType } from "../config/kafka/set-configs.ts";
import { ALL_OF, type AuthorizedResource } from "../security/authorized-operations.ts";
import { CLUSTER_NAME, type Operation, type ResourceType } from "../security/authorizer.ts";
import type { RequestContext } from "./handler.ts";

/** Whether the client may do it. If not, it is refused: the audit log says so. */
export function allows(
  { services, connection }: RequestContext,
  operation: Operation,
  type: ResourceType,
  name: string,
): boolean {
  if (services.authorizer.allows(connection, operation, type, name)) return true;
  services.audit.refused(connection, operation, type, name);
  return false;
}

/** Whether the client may do it. If not, something is left out of the answer, or one more way. */
export function couldDo(
  { services, connection }: RequestContext,
  operation: Operation,
  type: ResourceType,
  name: string,
): boolean {
  return services.authorizer.allows(connection, operation, type, name);
}

export function couldDoOnCluster(context: RequestContext, operation: Operation): boolean {
  return couldDo(context, operation, "cluster", CLUSTER_NAME);
}

export function allowsOnCluster(context: RequestContext, operation: Operation): boolean {
  return allows(context, operation, "cluster", CLUSTER_NAME);
}

/** Whether the client may do it with at least one topic, existing or not (KIP-679). */
export function allowsAnyTopic(
  { services, connection }: RequestContext,
  operation: Operation,
): boolean {
  return services.authorizer.allowsAny(connection, operation, "topic");
}

export interface Split<Item> {
  readonly allowed: readonly Item[];
  readonly denied: readonly Item[];
}

const NONE: readonly never[] = [];

/** `allowed` is `items` itself when all are, as usual. */
export function split<Item>(
  items: readonly Item[],
  isAllowed: (item: Item) => boolean,
): Split<Item> {
  // Each is asked for once, since a refusal is counted.
  const first = items.findIndex((item) => !isAllowed(item));
  if (first < 0) return { allowed: items, denied: NONE };
  const allowed = items.slice(0, first);
  const denied = [items[first]!];
  for (const item of items.slice(first + 1)) (isAllowed(item) ? allowed : denied).push(item);
  return { allowed, denied };
}

/** Those topics that the client may do it with, and the others. */
export function splitTopics<Topic extends { readonly name: string; readonly topicId?: string }>(
  context: RequestContext,
  operation: Operation,
  topics: readonly Topic[],
  byId = false,
): Split<Topic> {
  const { image } = context.services.metadata;
  return split(topics, ({ name: byName, topicId = "" }) => {
    const name = byId ? image.topicsById.get(topicId)?.name : byName;
    // An id of no topic is answered as such: it says nothing about topics that exist.
    return name === undefined || allows(context, operation, "topic", name);
  });
}

/** The value of an authorizedOperations field (KIP-430). */
export function operationsOn(
  context: RequestContext,
  type: AuthorizedResource,
  name: string,
): number {
  let bits = 0;
  for (const operation of ALL_OF[type]) {
    if (couldDo(context, operation, type, name)) bits |= 1 << AclOperation[operation];
  }
  return bits;
}

/** The same of the cluster: 0 for a client that may not describe it, as in Kafka. */
export function clusterOperations(context: RequestContext): number {
  if (!couldDoOnCluster(context, "describe")) return 0;
  return operationsOn(context, "cluster", CLUSTER_NAME);
}

/** Who may create topics in the cluster may create every topic. */
export function mayCreate(context: RequestContext, topic: string): boolean {
  return couldDoOnCluster(context, "create") || allows(context, "create", "topic", topic);
}

/** Whether the client may read or change the configs of a resource of Kafka's type `type`. */
export function allowsConfigs(
  context: RequestContext,
  operation: "describeConfigs" | "alterConfigs",
  { resourceType, resourceName }: { readonly resourceType: number; readonly resourceName: string },
): boolean {
  const type = configOwner(resourceType);
  return type === "cluster"
    ? allowsOnCluster(context, operation)
    : allows(context, operation, type, resourceName);
}

/** Configs of brokers, of their loggers, and of clients' metrics belong to the cluster. */
export function configOwner(resourceType: number): AuthorizedResource {
  if (resourceType === ConfigResourceType.topic) return "topic";
  return resourceType === ConfigResourceType.group ? "group" : "cluster";
}
