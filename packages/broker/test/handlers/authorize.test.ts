import { DescribeAcls, ErrorCode, Heartbeat, ListGroups } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { handlers } from "../../src/handlers/index.ts";
import type { Authorizer } from "../../src/security/authorizer.ts";
import { WholeBroker } from "./whole-broker.ts";

const HEARTBEAT = { groupId: "g", generationId: 1, memberId: "m" };

/** Denies everything, and notes what it was asked. */
function denying(): { readonly asked: string[]; readonly authorizer: Authorizer } {
  const asked: string[] = [];
  const allows: Authorizer["allows"] = (client, operation, type, name) => {
    asked.push(`${client.remoteAddress} ${operation} ${type} ${name}`);
    return false;
  };
  return { asked, authorizer: { allows } };
}

it("a request that may not be made as a whole is refused before its handler sees it", async () => {
  const { asked, authorizer } = denying();
  const broker = await WholeBroker.start({}, [], authorizer);
  const beat = await broker.call(Heartbeat, 4, HEARTBEAT);
  expect(beat.errorCode).toBe(ErrorCode.GROUP_AUTHORIZATION_FAILED);
  const filter = { resourceTypeFilter: 1, patternTypeFilter: 1, operation: 1, permissionType: 1 };
  const request = { ...filter, resourceNameFilter: null, principalFilter: null, hostFilter: null };
  const acls = await broker.call(DescribeAcls, 3, request);
  expect(acls.errorCode).toBe(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
  expect(asked).toEqual(["127.0.0.1 read group g", "127.0.0.1 describe cluster kafka-cluster"]);
});

it("what is asked for each resource is not the router's to refuse", async () => {
  const { asked, authorizer } = denying();
  const broker = await WholeBroker.start({}, [], authorizer);
  const request = { statesFilter: [], typesFilter: [] };
  expect((await broker.call(ListGroups, 5, request)).errorCode).toBe(0);
  expect(asked).toEqual([]);
});

it("everybody may do everything where there is no authorizer", async () => {
  const broker = await WholeBroker.start();
  const { errorCode } = await broker.call(Heartbeat, 4, HEARTBEAT);
  expect(errorCode).not.toBe(ErrorCode.GROUP_AUTHORIZATION_FAILED);
});

it("only what a client needs to find its way about is open to whoever reaches the broker", () => {
  const open = handlers.filter(({ authorize }) => authorize.length === 0);
  expect(open.map(({ api }) => api.name)).toEqual(["DescribeCluster", "ApiVersions"]);
});
