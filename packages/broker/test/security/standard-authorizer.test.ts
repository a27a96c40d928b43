import { AclOperation, AclPatternType, AclPermissionType, AclResourceType } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import type { Acl } from "../../src/security/acl.ts";
import type { Client, Operation, ResourceType } from "../../src/security/authorizer.ts";
import { principalText } from "../../src/security/principal.ts";
import {
  type AuthorizerOptions,
  StandardAuthorizer,
} from "../../src/security/standard-authorizer.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { acl, client } from "./acls.ts";

const NONE: AuthorizerOptions = { superUsers: [], allowEveryoneIfNoAcl: false };

function authorizer(acls: readonly string[], options: Partial<AuthorizerOptions> = {}) {
  const made = new StandardAuthorizer({ ...NONE, ...options });
  for (const text of acls) made.add(acl(text));
  return made;
}

describe("an ACL", () => {
  it.each<readonly [string, Operation, ResourceType, string, boolean]>([
    ["allow User:a read topic t", "read", "topic", "t", true],
    ["allow User:a read topic t", "read", "topic", "tt", false],
    ["allow User:a read topic t", "read", "group", "t", false],
    ["allow User:a read topic t", "write", "topic", "t", false],
    ["allow User:b read topic t", "read", "topic", "t", false],
    ["allow User:* read topic t", "read", "topic", "t", true],
    ["allow Group:a read topic t", "read", "topic", "t", false],
    ["allow Group:* read topic t", "read", "topic", "t", false],
    ["allow User:a read topic *", "read", "topic", "t", true],
    ["allow User:a read topic or*", "read", "topic", "orders", true],
    ["allow User:a read topic or*", "read", "topic", "or", true],
    ["allow User:a read topic or*", "read", "topic", "o", false],
    ["allow User:a all topic t", "alterConfigs", "topic", "t", true],
    ["allow User:a read topic t from 10.0.0.9", "read", "topic", "t", true],
    ["allow User:a read topic t from 10.0.0.8", "read", "topic", "t", false],
    ["allow User:a read topic t", "describe", "topic", "t", true],
    ["allow User:a write topic t", "describe", "topic", "t", true],
    ["allow User:a delete topic t", "describe", "topic", "t", true],
    ["allow User:a alter topic t", "describe", "topic", "t", true],
    ["allow User:a create topic t", "describe", "topic", "t", false],
    ["allow User:a alterConfigs topic t", "describeConfigs", "topic", "t", true],
    ["allow User:a alterConfigs topic t", "describe", "topic", "t", false],
    ["allow User:a describe topic t", "read", "topic", "t", false],
    [
      "allow User:a clusterAction cluster kafka-cluster",
      "clusterAction",
      "cluster",
      "kafka-cluster",
      true,
    ],
  ])("'%s' lets User:a %s %s %s: %s", (text, operation, type, name, allowed) => {
    expect(authorizer([text]).allows(client("User:a"), operation, type, name)).toBe(allowed);
  });

  it.each([
    ["allow User:a all topic *", "deny User:a read topic t"],
    ["allow User:a read topic t", "deny User:* read topic *"],
    ["allow User:a read topic t", "deny User:a all topic t"],
    ["allow User:a read topic t", "deny User:a read topic t from 10.0.0.9"],
    ["deny User:a read topic t*", "allow User:a read topic t"],
  ])("that denies wins, whatever allows: %s, %s", (...acls) => {
    expect(authorizer(acls).allows(client("User:a"), "read", "topic", "t")).toBe(false);
    const superUsers = ["User:a"];
    expect(authorizer(acls, { superUsers }).allows(client("User:a"), "read", "topic", "t")).toBe(
      true,
    );
  });

  it("that denies reading does not deny describing", () => {
    const made = authorizer(["allow User:a all topic t", "deny User:a read topic t"]);
    expect(made.allows(client("User:a"), "describe", "topic", "t")).toBe(true);
  });

  it("is found for each way to write an IPv6 address", () => {
    const ipv4 = ["::ffff:10.0.0.1", "::ffff:a00:1", "0:0:0:0:0:ffff:10.0.0.1"];
    for (const host of ["::1", "0:0:0:0:0:0:0:1", "0000::0001", ...ipv4]) {
      const made = authorizer([`allow User:a read topic t from ${host}`]);
      const from = ipv4.includes(host) ? "10.0.0.1" : "::1";
      expect(made.allows(client("User:a", from), "read", "topic", "t"), host).toBe(true);
      expect(made.allows(client("User:a", "::2"), "read", "topic", "t"), host).toBe(false);
    }
  });

  it("has no effect any more when it is removed", () => {
    const made = authorizer([]);
    const added = [acl("allow User:a read topic t"), acl("allow User:a read topic p*")];
    for (const one of added) made.add(one);
    for (const one of added) made.remove(one);
    for (const name of ["t", "p1"]) {
      expect(made.allows(client("User:a"), "read", "topic", name)).toBe(false);
    }
  });
});

describe("allow.everyone.if.no.acl.found", () => {
  const options = { allowEveryoneIfNoAcl: true };

  it("counts only where no ACL applies to the resource, whoever it is for", () => {
    const made = authorizer(["allow User:b write topic t", "deny User:b read topic p*"], options);
    for (const [name, allowed] of [
      ["t", false],
      ["p1", false],
      ["other", true],
    ] as const) {
      expect(made.allows(client("User:a"), "read", "topic", name), name).toBe(allowed);
    }
    expect(made.allows(client("User:a"), "read", "group", "t")).toBe(true);
  });
});

describe("at least one resource", () => {
  it.each<readonly [readonly string[], boolean]>([
    [[], false],
    [["allow User:a write topic t"], true],
    [["allow User:a all topic t*"], true],
    [["allow User:a read topic t"], false],
    [["allow User:a write topic t from 10.0.0.1"], false],
    [["allow User:a write topic t", "deny User:a write topic t"], false],
    [["allow User:a write topic t", "deny User:a write topic *"], false],
    [["allow User:a write topic tt", "deny User:a write topic t*"], false],
    [["allow User:a write topic t*", "deny User:a write topic tt*"], true],
    [["allow User:a write topic t*", "deny User:a write topic t"], true],
    [["allow User:a write topic *", "deny User:a write topic t*"], true],
    [["allow User:a write topic *", "deny User:a write topic *"], false],
    [["allow User:* write topic t", "deny User:b write topic *"], true],
  ])("may be written with %j: %s", (acls, allowed) => {
    expect(authorizer(acls).allowsAny(client("User:a"), "write", "topic")).toBe(allowed);
  });

  it("may be written by super users, and by everybody without ACLs if they are allowed", () => {
    const denied = ["deny User:a write topic *"];
    const superUsers = ["User:a"];
    expect(authorizer(denied, { superUsers }).allowsAny(client("User:a"), "write", "topic")).toBe(
      true,
    );
    const options = { allowEveryoneIfNoAcl: true };
    expect(authorizer([], options).allowsAny(client("User:a"), "write", "topic")).toBe(true);
  });
});

/** Kafka's rules, one ACL after the other. */
function naive(acls: readonly Acl[], client: Client, operation: Operation, name: string): boolean {
  const matching = acls.filter(({ resourceType, patternType, resourceName }) => {
    if (resourceType !== AclResourceType.topic) return false;
    if (patternType === AclPatternType.prefixed) return name.startsWith(resourceName);
    return resourceName === name || resourceName === "*";
  });
  const verdicts = matching
    .filter(({ principal }) => [principalText(client.principal), "User:*"].includes(principal))
    .filter(({ host }) => host === "*" || host === client.remoteAddress)
    .map((one) => {
      const isAllow = one.permissionType === AclPermissionType.allow;
      const implied: number[] = [AclOperation[operation], AclOperation.all];
      const { read, write, alter, alterConfigs } = AclOperation;
      if (isAllow && operation === "describe")
        implied.push(read, write, AclOperation.delete, alter);
      if (isAllow && operation === "describeConfigs") implied.push(alterConfigs);
      return implied.includes(one.operation) ? isAllow : null;
    });
  if (verdicts.includes(false)) return false;
  return verdicts.includes(true) || matching.length === 0;
}

it("decides as the naive reading of Kafka's rules does, while ACLs come and go", () => {
  const random = new SeededRandom(seedOf("authorizer"));
  const names = ["a", "ab", "abc", "abd", "b", "bc", "*", "c"];
  const operations = ["all", "read", "write", "create", "describe", "alterConfigs"] as const;
  const asked: Operation[] = ["read", "write", "describe", "describeConfigs", "alterConfigs"];
  const users = ["User:a", "User:b", "User:*", "Group:a"];
  const made = new StandardAuthorizer({ ...NONE, allowEveryoneIfNoAcl: true });
  let acls: Acl[] = [];
  const some = (): Acl => ({
    resourceType: random.pick([AclResourceType.topic, AclResourceType.group]),
    resourceName: random.pick(names),
    patternType: random.pick([AclPatternType.literal, AclPatternType.prefixed]),
    principal: random.pick(users),
    host: random.pick(["*", "*", "10.0.0.1"]),
    operation: AclOperation[random.pick(operations)],
    permissionType: random.pick([AclPermissionType.allow, AclPermissionType.deny]),
  });
  for (let step = 0; step < 3_000; step++) {
    if (acls.length < random.below(12)) {
      const one = some();
      acls.push(one);
      made.add(one);
    } else if (acls.length > 0) {
      const one = random.pick(acls);
      acls = acls.filter((other) => other !== one);
      made.remove(one);
    }
    const who = client(random.pick(users), random.pick(["10.0.0.1", "10.0.0.2"]));
    const operation = random.pick(asked);
    for (const name of names) {
      const verdict = made.allows(who, operation, "topic", name);
      expect(verdict, JSON.stringify({ acls, who, operation, name })).toBe(
        naive(acls, who, operation, name),
      );
    }
  }
});
