// ACLs as kafkajs manages them, and what it tells a client that lacks one.
import { Broker } from "@tarpan/broker";
import {
  type AclEntry,
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from "kafkajs";
import { afterAll, beforeAll, expect, it } from "vitest";

const SUPER_USER = { "super.users": "User:ANONYMOUS" };
const ACLS_ON = {
  "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
};

let broker: Broker;
let admin: ReturnType<Kafka["admin"]>;

const adminOf = async ({ bootstrap }: Broker) => {
  const one = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).admin();
  await one.connect();
  return one;
};

beforeAll(async () => {
  broker = await Broker.start({ configs: { ...ACLS_ON, ...SUPER_USER } });
  admin = await adminOf(broker);
});

afterAll(async () => {
  await admin.disconnect();
  await broker.stop();
});

const ALLOWED: AclEntry = {
  resourceType: AclResourceTypes.TOPIC,
  resourceName: "orders-",
  resourcePatternType: ResourcePatternTypes.PREFIXED,
  principal: "User:shop",
  host: "*",
  operation: AclOperationTypes.WRITE,
  permissionType: AclPermissionTypes.ALLOW,
};
const DENIED: AclEntry = {
  ...ALLOWED,
  resourceName: "*",
  resourcePatternType: ResourcePatternTypes.LITERAL,
  permissionType: AclPermissionTypes.DENY,
};

it("creates, describes and deletes ACLs", async () => {
  await admin.createAcls({ acl: [ALLOWED, DENIED] });
  const { operation, permissionType, principal, host } = ALLOWED;
  const { resources } = await admin.describeAcls({
    resourceType: AclResourceTypes.TOPIC,
    resourceName: "orders-1",
    resourcePatternType: ResourcePatternTypes.MATCH,
    permissionType: AclPermissionTypes.ALLOW,
    operation: AclOperationTypes.ANY,
  });
  expect(resources).toMatchObject([
    {
      ...{ resourceType: 2, resourceName: "orders-", resourcePatternType: 4 },
      acls: [{ principal, host, operation, permissionType }],
    },
  ]);
  const { filterResponses } = await admin.deleteAcls({
    filters: [
      {
        resourceType: AclResourceTypes.ANY,
        resourcePatternType: ResourcePatternTypes.ANY,
        permissionType: AclPermissionTypes.ANY,
        operation: AclOperationTypes.ANY,
      },
    ],
  });
  expect(filterResponses[0]!.matchingAcls.map(({ resourceName }) => resourceName).sort()).toEqual([
    "*",
    "orders-",
  ]);
});

it("is told when it lacks an ACL, and what is wrong with an ACL", async () => {
  const wrong = admin.createAcls({ acl: [{ ...ALLOWED, principal: "shop" }] });
  await expect(wrong).rejects.toMatchObject({ type: "INVALID_REQUEST" });
  const closed = await Broker.start({ configs: ACLS_ON });
  const guest = await adminOf(closed);
  expect(await guest.listTopics()).toEqual([]);
  await expect(guest.createTopics({ topics: [{ topic: "t" }] })).rejects.toThrow();
  await expect(guest.createAcls({ acl: [ALLOWED] })).rejects.toMatchObject({
    type: "CLUSTER_AUTHORIZATION_FAILED",
  });
  await guest.disconnect();
  await closed.stop();
});
