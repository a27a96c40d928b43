import { DescribeAcls, ErrorCode, Heartbeat, ListGroups } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { handlers } from "../../src/handlers/index.ts";
import type { Authorizer } from "../../src/security/authorizer.ts";
import { principalText } from "../../src/security/principal.ts";
import { WholeBroker } from "./whole-broker.ts";

const HEARTBEAT = { groupId: "g", generationId: 1, memberId: "m" };

/** Denies everything, and records what it was asked. */
function denying(): { readonly asked: string[]; readonly authorizer: Authorizer } {
  const asked: string[] = [];
  const allows: Authorizer["allows"] = (client, operation, type, name) => {
    asked.push(
      `${principalText(client.principal)} ${client.remoteAddress} ${operation} ${type} ${name}`,
    );
    return false;
  };
  return { asked, authorizer: { allows } };
}

it("a request whose permission is for the whole request is refused before its handler", async () => {
  const { asked, authorizer } = denying();
  const broker = await WholeBroker.startWith({ authorizer });
  const beat = await broker.call(Heartbeat, 4, HEARTBEAT);
  expect(beat.errorCode).toBe(ErrorCode.GROUP_AUTHORIZATION_FAILED);
  const filter = { resourceTypeFilter: 1, patternTypeFilter: 1, operation: 1, permissionType: 1 };
  const request = { ...filter, resourceNameFilter: null, principalFilter: null, hostFilter: null };
  const acls = await broker.call(DescribeAcls, 3, request);
  expect(acls.errorCode).toBe(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
  const client = "User:ANONYMOUS 127.0.0.1";
  expect(asked).toEqual([`${client} read group g`, `${client} describe cluster kafka-cluster`]);
});

it("the router leaves permissions for each resource to the handler", async () => {
  const { asked, authorizer } = denying();
  const broker = await WholeBroker.startWith({ authorizer });
  const request = { statesFilter: [], typesFilter: [] };
  expect((await broker.call(ListGroups, 5, request)).errorCode).toBe(0);
  expect(asked).toEqual([]);
});

it("without an authorizer every client may do everything", async () => {
  const broker = await WholeBroker.start();
  const { errorCode } = await broker.call(Heartbeat, 4, HEARTBEAT);
  expect(errorCode).not.toBe(ErrorCode.GROUP_AUTHORIZATION_FAILED);
});

it("only the APIs with which clients find brokers and log in need no permission", () => {
  const open = handlers.filter(({ authorize }) => authorize.length === 0);
  const names = open.map(({ api }) => api.name).sort();
  const sasl = ["SaslAuthenticate", "SaslHandshake"];
  expect(names).toEqual(["ApiVersions", "DescribeCluster", ...sasl]);
});
