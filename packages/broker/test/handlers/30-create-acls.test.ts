import { CreateAcls, ErrorCode, Heartbeat } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { securedBroker } from "./secured-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

const creation = {
  ...{ resourceType: 2, resourceName: "t", resourcePatternType: 3 },
  ...{ principal: "User:a", host: "*", operation: 3, permissionType: 3 },
};

it("CreateAcls refuses each creation: there is no authorizer", async () => {
  const broker = await WholeBroker.start();
  for (let version = 1; version <= 3; version++) {
    const { results } = await broker.call(CreateAcls, version, {
      creations: [creation, creation],
    });
    const { SECURITY_DISABLED } = ErrorCode;
    expect(results.map(({ errorCode }) => errorCode)).toEqual([
      SECURITY_DISABLED,
      SECURITY_DISABLED,
    ]);
    expect(results[0]!.errorMessage).toContain("no authorizer");
  }
});

it("CreateAcls needs alter on the cluster, and what it creates counts at once", async () => {
  const broker = await securedBroker(["allow User:a alter cluster kafka-cluster"]);
  const heartbeat = { groupId: "g", generationId: 1, memberId: "m" };
  const beat = () => broker.as("User:b").call(Heartbeat, 4, heartbeat);
  const { GROUP_AUTHORIZATION_FAILED } = ErrorCode;
  expect((await beat()).errorCode).toBe(GROUP_AUTHORIZATION_FAILED);
  const creations = [
    { ...creation, resourceType: 3, resourceName: "g", principal: "User:b" },
    { ...creation, principal: "nobody" },
  ];
  const denied = await broker.call(CreateAcls, 3, { creations });
  const { CLUSTER_AUTHORIZATION_FAILED, INVALID_REQUEST } = ErrorCode;
  expect(denied.results.map(({ errorCode }) => errorCode)).toEqual([
    CLUSTER_AUTHORIZATION_FAILED,
    CLUSTER_AUTHORIZATION_FAILED,
  ]);
  const { results } = await broker.as("User:a").call(CreateAcls, 3, { creations });
  expect(results.map(({ errorCode }) => errorCode)).toEqual([0, INVALID_REQUEST]);
  expect((await beat()).errorCode).not.toBe(GROUP_AUTHORIZATION_FAILED);
});

it("CreateAcls creates nothing when a number is Kafka's UNKNOWN", async () => {
  const broker = await securedBroker([]);
  const creations = [creation, { ...creation, permissionType: 0 }];
  const { results } = await broker.as("User:admin").call(CreateAcls, 3, { creations });
  const { INVALID_REQUEST } = ErrorCode;
  expect(results.map(({ errorCode }) => errorCode)).toEqual([INVALID_REQUEST, INVALID_REQUEST]);
  expect(broker.metadata.image.acls.size).toBe(0);
});

it("CreateAcls refuses what is too large for one batch, and the controller goes on", async () => {
  const broker = await securedBroker([]);
  const create = (creations: readonly (typeof creation)[]) =>
    broker.as("User:admin").call(CreateAcls, 3, { creations: [...creations] });
  const large = Array.from({ length: 300 }, (_, index) => {
    return { ...creation, resourceName: `${"x".repeat(30_000)}${index}` };
  });
  const refusal = await create(large);
  expect(new Set(refusal.results.map(({ errorCode }) => errorCode))).toEqual(
    new Set([ErrorCode.INVALID_REQUEST]),
  );
  expect(refusal.results[0]!.errorMessage).toContain("in several requests");
  const { results } = await create(large.slice(0, 200));
  expect(new Set(results.map(({ errorCode }) => errorCode))).toEqual(new Set([ErrorCode.NONE]));
});
