// The arguments of `tarpan acl`, which are those of kafka-acls.sh.
import { ACL_OPERATIONS, type Acl, type AclFilter } from "@tarpan/client";
import { nearest } from "@tarpan/protocol/internal/nearest";
import type { Arguments } from "../args/arguments.ts";
import { UsageError } from "../terminal/failures.ts";

/** The resources that the command line names. */
export type Resource = Required<Pick<AclFilter, "resourceType" | "resourceName" | "patternType">>;

export function resourcesFrom(
  args: Arguments,
  patternTypes: readonly NonNullable<AclFilter["patternType"]>[],
): Resource[] {
  const patternType = args.oneOf("resource-pattern-type", patternTypes) ?? "literal";
  const named = (resourceType: Acl["resourceType"], names: readonly string[]) =>
    names.map((resourceName): Resource => ({ resourceType, resourceName, patternType }));
  return [
    ...named("topic", args.texts("topic")),
    ...named("group", args.texts("group")),
    ...named("transactionalId", args.texts("transactional-id")),
    ...named("cluster", args.has("cluster") ? [CLUSTER_NAME] : []),
  ];
}

const CLUSTER_NAME = "kafka-cluster";

/** The ACLs of the resources for the principals that the command line names; none without one. */
export function entriesFrom(args: Arguments, resources: readonly Resource[]): AclFilter[] {
  const allowed = permissionFrom(args, "allow");
  const denied = permissionFrom(args, "deny");
  const operations = args.texts("operation").map(operationFrom);
  const roles = [...producerNeeds(args, resources), ...consumerNeeds(args, resources)];
  if (roles.length > 0) {
    if (operations.length > 0) throw new UsageError("--operation goes with no role: leave it out");
    if (denied.length > 0) throw new UsageError("a role can be allowed only: see --operation");
    if (allowed.length === 0) throw new UsageError("--allow-principal is missing");
    return roles.flatMap((need) => allowed.map((who) => ({ ...who, ...need })));
  }
  const wanted = operations.length === 0 ? (["all"] as const) : operations;
  return resources.flatMap((resource) =>
    [...allowed, ...denied].flatMap((who) =>
      wanted.map((operation) => ({ ...who, ...resource, operation })),
    ),
  );
}

type Who = Pick<Acl, "permission" | "principal" | "host">;

function permissionFrom(args: Arguments, permission: Acl["permission"]): Who[] {
  const principals = args.texts(`${permission}-principal`);
  const hosts = args.texts(`${permission}-host`);
  if (hosts.length > 0 && principals.length === 0) {
    throw new UsageError(`--${permission}-host needs --${permission}-principal`);
  }
  for (const one of principals) {
    if (!one.includes(":")) throw new UsageError(`a principal is like User:alice, not '${one}'`);
  }
  const from = hosts.length === 0 ? ["*"] : hosts;
  return principals.flatMap((principal) => from.map((host) => ({ permission, principal, host })));
}

/** As Kafka writes them, or as here: `DescribeConfigs`, `describe_configs`, `describeConfigs`. */
function operationFrom(text: string): Acl["operation"] {
  const plain = (name: string) => name.replaceAll(/[-_]/g, "").toLowerCase();
  const found = ACL_OPERATIONS.find((name) => plain(name) === plain(text));
  if (found !== undefined) return found;
  const near = nearest(text, ACL_OPERATIONS);
  const hint = near === null ? ` there are ${ACL_OPERATIONS.join(", ")}` : ` did you mean ${near}?`;
  throw new UsageError(`there is no operation '${text}':${hint}`);
}

type Need = Resource & Pick<Acl, "operation">;

function needsOf(
  resources: readonly Resource[],
  type: string,
  ...names: Acl["operation"][]
): Need[] {
  const own = resources.filter(({ resourceType }) => resourceType === type);
  return own.flatMap((resource) => names.map((operation) => ({ ...resource, operation })));
}

function producerNeeds(args: Arguments, resources: readonly Resource[]): Need[] {
  const isIdempotent = args.has("idempotent");
  if (!args.has("producer")) {
    if (isIdempotent) throw new UsageError("--idempotent needs --producer");
    return [];
  }
  const topics = needsOf(resources, "topic", "write", "describe", "create");
  if (topics.length === 0) throw new UsageError("--producer needs --topic");
  const ids = needsOf(resources, "transactionalId", "write", "describe");
  const cluster = { resourceType: "cluster", resourceName: CLUSTER_NAME } as const;
  const idempotence = { ...cluster, patternType: "literal", operation: "idempotentWrite" } as const;
  return [...topics, ...ids, ...(isIdempotent ? [idempotence] : [])];
}

function consumerNeeds(args: Arguments, resources: readonly Resource[]): Need[] {
  if (!args.has("consumer")) return [];
  const topics = needsOf(resources, "topic", "read", "describe");
  const groups = needsOf(resources, "group", "read");
  if (topics.length === 0 || groups.length === 0) {
    throw new UsageError("--consumer needs --topic and --group");
  }
  return [...topics, ...groups];
}
