// Whole command lines about ACLs against a real broker, in this process.
import { Broker } from "@tarpan/broker";
import { Admin, Client } from "@tarpan/client";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { tarpan } from "./run-command.ts";

let broker: Broker;
let client: Client;
let admin: Admin;

beforeAll(async () => {
  broker = await Broker.start({
    configs: {
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      "super.users": "User:ANONYMOUS",
    },
  });
  client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000 });
  admin = new Admin(client);
});

afterEach(() => admin.deleteAcls([{}]));

afterAll(async () => {
  await client.close();
  await broker.stop();
});

const at = (...argv: string[]) => tarpan(["acl", ...argv, "--bootstrap", broker.bootstrap]);
const SHOP = ["--allow-principal", "User:shop"];

const acls = async () =>
  (await admin.describeAcls())
    .map(({ permission, principal, operation, resourceType, resourceName, patternType, host }) => {
      const name = patternType === "prefixed" ? `${resourceName}…` : resourceName;
      return `${permission} ${principal} ${operation} ${resourceType} ${name} ${host}`;
    })
    .sort();

test("ACLs are added, listed and removed", async () => {
  const added = await at("add", "--topic", "orders", ...SHOP, "--operation", "Read");
  expect(added).toEqual({
    ...{ code: 0, stderr: "" },
    stdout: "allow User:shop read topic orders from *: added\n",
  });
  const listed = await at("list");
  expect(listed.stdout).toBe(
    "principal  permission  operation  resource  name    pattern  host\n" +
      "User:shop  allow       read       topic     orders  literal  *\n",
  );
  const [json] = JSON.parse((await at("list", "-o", "json")).stdout);
  expect(json).toEqual({
    ...{ resourceType: "topic", resourceName: "orders", patternType: "literal" },
    ...{ principal: "User:shop", host: "*", operation: "read", permission: "allow" },
  });
  const removed = await at("remove", "--topic", "orders", ...SHOP, "--operation", "read");
  expect(removed.stdout).toBe("allow User:shop read topic orders from *: removed\n");
  expect(await at("list")).toEqual({ code: 0, stdout: "", stderr: "no ACL matches\n" });
  expect(await at("remove", "--topic", "orders")).toMatchObject({
    ...{ code: 0, stdout: "", stderr: "no ACL matches: none was removed\n" },
  });
});

test("--producer and --consumer add what these need", async () => {
  const names = ["--topic", "orders", "--transactional-id", "tx", "--group", "g"];
  await at(
    "add",
    "--topic",
    "o",
    "--transactional-id",
    "tx",
    ...SHOP,
    "--producer",
    "--idempotent",
  );
  expect(await acls()).toEqual([
    "allow User:shop create topic o *",
    "allow User:shop describe topic o *",
    "allow User:shop describe transactionalId tx *",
    "allow User:shop idempotentWrite cluster kafka-cluster *",
    "allow User:shop write topic o *",
    "allow User:shop write transactionalId tx *",
  ]);
  await admin.deleteAcls([{}]);
  await at("add", ...names.slice(0, 2), "--group", "g", ...SHOP, "--consumer");
  expect(await acls()).toEqual([
    "allow User:shop describe topic orders *",
    "allow User:shop read group g *",
    "allow User:shop read topic orders *",
  ]);
});

test("every combination of principals, hosts, operations and resources is added", async () => {
  const prefixed = ["--resource-pattern-type", "prefixed"];
  const who = [...SHOP, "--allow-host", "10.0.0.1", "--deny-principal", "User:*"];
  const what = ["--operation", "write", "--operation", "describe_configs"];
  expect(
    await at("add", "--topic", "a", "--topic", "b", ...prefixed, ...who, ...what),
  ).toMatchObject({ code: 0 });
  expect(await acls()).toEqual([
    "allow User:shop describeConfigs topic a… 10.0.0.1",
    "allow User:shop describeConfigs topic b… 10.0.0.1",
    "allow User:shop write topic a… 10.0.0.1",
    "allow User:shop write topic b… 10.0.0.1",
    "deny User:* describeConfigs topic a… *",
    "deny User:* describeConfigs topic b… *",
    "deny User:* write topic a… *",
    "deny User:* write topic b… *",
  ]);
  const matching = ["list", "--topic", "abc", "--resource-pattern-type", "match", "-o", "json"];
  expect(JSON.parse((await at(...matching)).stdout)).toHaveLength(4);
  await at("remove", "--topic", "a", ...prefixed);
  expect(await acls()).toHaveLength(4);
});

describe("mistakes are refused", () => {
  test.each([
    [["add", "--topic", "t"], "--allow-principal or --deny-principal is missing"],
    [["add", ...SHOP], "name a resource"],
    [["add", "--topic", "t", "--allow-principal", "shop"], "a principal is like User:alice"],
    [["add", "--topic", "t", ...SHOP, "--operation", "reed"], "did you mean read?"],
    [["add", "--topic", "t", ...SHOP, "--consumer"], "--consumer needs --topic and --group"],
    [["add", "--group", "g", ...SHOP, "--producer"], "--producer needs --topic"],
    [["add", "--topic", "t", ...SHOP, "--producer", "--operation", "read"], "goes with no role"],
    [["add", "--topic", "t", "--deny-principal", "User:x", "--producer"], "allowed only"],
    [["add", "--topic", "t", "--allow-host", "10.0.0.1"], "needs --allow-principal"],
    [["add", "--topic", "t", ...SHOP, "--resource-pattern-type", "match"], "literal | prefixed"],
    [["remove"], "name a resource"],
    [["list", "--operation", "read"], "--operation has no effect here"],
  ])("%j", async (argv, why) => {
    expect(await at(...argv)).toMatchObject({ code: 2, stderr: expect.stringContaining(why) });
  });

  test("a broker without an authorizer says so", async () => {
    const plain = await Broker.start();
    const listed = await tarpan(["acl", "list", "--bootstrap", plain.bootstrap]);
    await plain.stop();
    expect(listed).toMatchObject({ code: 1, stderr: expect.stringContaining("no authorizer") });
  });
});
