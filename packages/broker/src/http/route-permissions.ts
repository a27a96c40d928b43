import { DELAYED_TOPIC, HALF_MESSAGES_TOPIC } from "../metadata/topic-names.ts";
import { CLUSTER_NAME, type Operation, type ResourceType } from "../security/authorizer.ts";
import type { Access } from "./access.ts";
import type { Method } from "./resource.ts";

/** What a client must be allowed to do before a route runs. */
interface RoutePermission {
  readonly operation: Operation;
  readonly resourceType: ResourceType;
  /** Null for the resource that `:id` names. */
  readonly name: string | null;
}

/** `open`: everybody, without a log-in. `each`: the route leaves out what may not be seen. */
type Rule = RoutePermission | "open" | "each";

const onCluster = (operation: Operation): Rule => {
  return { operation, resourceType: "cluster", name: CLUSTER_NAME };
};
const onGroup = (operation: Operation): Rule => ({ operation, resourceType: "group", name: null });
const onTopic = (operation: Operation, name: string): Rule => {
  return { operation, resourceType: "topic", name };
};

/**
 * The permission that each route takes: that of Kafka's API which does the same. A route without a
 * row can't be served.
 */
export const ROUTE_PERMISSIONS: Readonly<Record<string, Rule>> = {
  "GET /health": "open",
  "GET /ready": "open",
  "GET /cluster/status": onCluster("describe"),
  "GET /metrics": onCluster("describe"),
  "GET /api/v1/groups": "each",
  "GET /api/v1/groups/:id": onGroup("describe"),
  "DELETE /api/v1/groups/:id": onGroup("delete"),
  "POST /api/v1/groups/:id/offsets": onGroup("read"),
  "GET /api/v1/delayed": onTopic("read", DELAYED_TOPIC),
  "DELETE /api/v1/delayed": onTopic("write", DELAYED_TOPIC),
  "POST /api/v1/delayed": onTopic("write", DELAYED_TOPIC),
  "DELETE /api/v1/delayed/:id": onTopic("write", DELAYED_TOPIC),
  "POST /api/v1/delayed/:id/deliver": onTopic("write", DELAYED_TOPIC),
  "GET /api/v1/half-messages": onTopic("read", HALF_MESSAGES_TOPIC),
  "POST /api/v1/half-messages": onTopic("write", HALF_MESSAGES_TOPIC),
  "GET /api/v1/brokers": onCluster("describe"),
  "DELETE /api/v1/brokers/:id": onCluster("alter"),
};

/** Whether the path is served without a log-in. */
export function isOpenPath(path: string): boolean {
  return ROUTE_PERMISSIONS[`GET ${path}`] === "open";
}

/** Throws for a route that is not in the table: that is a bug. */
export function ruleOf(method: Method, path: string): Rule {
  const rule = ROUTE_PERMISSIONS[`${method} ${path}`];
  if (rule === undefined) throw new Error(`${method} ${path} is not in ROUTE_PERMISSIONS`);
  return rule;
}

/** Throws HttpError 403. */
export function expectPermission(access: Access, rule: Rule, id: string): void {
  if (typeof rule === "string") return;
  const { operation, resourceType, name } = rule;
  access.expect(operation, resourceType, name ?? id);
}
