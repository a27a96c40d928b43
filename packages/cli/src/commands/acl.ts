import { type Acl, type AclFilter, aclText } from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import type { Actions, Command } from "../args/command.ts";
import { BOOTSTRAP_OPTIONS, JSON_OPTIONS } from "../args/options.ts";
import { UsageError } from "../terminal/failures.ts";
import type { Output } from "../terminal/output.ts";
import { entriesFrom, resourcesFrom } from "./acl-arguments.ts";
import { adminAction } from "./admin-action.ts";

const actions: Actions = {
  list: adminAction("list ACLs", (args) => {
    const principal = args.text("principal");
    const resources = resourcesFrom(args, ["literal", "prefixed", "any", "match"]);
    const filters = resources.length === 0 ? [{}] : resources;
    return async (admin, output) => {
      const found = [];
      for (const filter of filters)
        found.push(...(await admin.describeAcls({ ...filter, principal })));
      print(output, found, "no ACL matches");
    };
  }),
  add: adminAction("add ACLs", (args) => {
    const acls = aclsFrom(args);
    if (acls.length === 0) throw new UsageError("--allow-principal or --deny-principal is missing");
    return async (admin, output) => {
      await admin.createAcls(acls);
      for (const acl of acls) output.add(acl, `${aclText(acl)}: added\n`);
    };
  }),
  remove: adminAction("remove ACLs: those that match, or all of a resource", (args) => {
    const filters = filtersFrom(args);
    return async (admin, output) => {
      const removed = await admin.deleteAcls(filters);
      for (const acl of removed) output.add(acl, `${aclText(acl)}: removed\n`);
      if (removed.length === 0) output.note("no ACL matches: none was removed");
    };
  }),
};

export const acl: Command = {
  name: "acl",
  summary: "List, add and remove ACLs, which say who may do what.",
  usage: [
    "list   [RESOURCE…] [--principal PRINCIPAL]",
    "add    RESOURCE… --allow-principal PRINCIPAL… [--operation NAME]…",
    "add    RESOURCE… --allow-principal PRINCIPAL… --producer|--consumer",
    "remove RESOURCE… [--allow-principal PRINCIPAL… [--operation NAME]…]",
  ],
  options: [
    ...BOOTSTRAP_OPTIONS,
    { name: "topic", short: "t", argument: "NAME", repeat: true, help: "a topic; * is all" },
    { name: "group", short: "g", argument: "NAME", repeat: true, help: "a group; * is all" },
    {
      name: "transactional-id",
      argument: "ID",
      repeat: true,
      help: "a transactional id; * is all",
    },
    { name: "cluster", help: "the cluster" },
    {
      name: "resource-pattern-type",
      argument: "TYPE",
      help: "literal (default) or prefixed; list and remove also any or match",
    },
    {
      name: "allow-principal",
      argument: "PRINCIPAL",
      repeat: true,
      help: "who may, as User:alice",
    },
    { name: "deny-principal", argument: "PRINCIPAL", repeat: true, help: "who may not" },
    { name: "allow-host", argument: "IP", repeat: true, help: "from where they may (*)" },
    { name: "deny-host", argument: "IP", repeat: true, help: "from where they may not (*)" },
    { name: "operation", argument: "NAME", repeat: true, help: "read, write, describe, … (all)" },
    { name: "producer", help: "what a producer to the topics needs" },
    { name: "consumer", help: "what a consumer of the topics in the groups needs" },
    {
      name: "idempotent",
      help: "with --producer: idempotentWrite on the cluster, for old brokers",
    },
    { name: "principal", argument: "PRINCIPAL", help: "list: only those of this principal" },
    ...JSON_OPTIONS,
  ],
  examples: [
    "tarpan acl add --topic orders --allow-principal User:shop --producer",
    "tarpan acl add --topic orders --group billing --allow-principal User:billing --consumer",
    "tarpan acl list --topic orders --resource-pattern-type match",
    "tarpan acl remove --topic orders --allow-principal User:shop --operation write",
  ],
  run: actions,
};

function aclsFrom(args: Arguments): Acl[] {
  const resources = resourcesFrom(args, ["literal", "prefixed"]);
  const entries = entriesFrom(args, resources);
  if (resources.length === 0) throw new UsageError("name a resource, such as --topic NAME");
  return entries as Acl[];
}

/** Without a principal: all ACLs of the resources. */
function filtersFrom(args: Arguments): AclFilter[] {
  const resources = resourcesFrom(args, ["literal", "prefixed", "any", "match"]);
  const entries = entriesFrom(args, resources);
  if (resources.length === 0) throw new UsageError("name a resource, such as --topic NAME");
  return entries.length === 0 ? resources : entries;
}

function print(output: Output, acls: readonly Acl[], none: string): void {
  const headings = ["principal", "permission", "operation", "resource", "name", "pattern", "host"];
  const rows = acls.map((one) => [
    ...[one.principal, one.permission, one.operation, one.resourceType, one.resourceName],
    ...[one.patternType, one.host],
  ]);
  output.table(acls, headings, rows, none);
}
