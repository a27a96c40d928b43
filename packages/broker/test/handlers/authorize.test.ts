import { DeleteGroups, DescribeAcls, ErrorCode, Heartbeat } from "@tarpan/protocol";
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
  return { asked, authorizer: { hasAcls: true, allows, allowsAny: () => false } };
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
  const answer = await broker.call(DeleteGroups, 2, { groupsNames: ["g"] });
  const { GROUP_AUTHORIZATION_FAILED } = ErrorCode;
  expect(answer.results).toMatchObject([{ errorCode: GROUP_AUTHORIZATION_FAILED }]);
  expect(asked).toEqual(["User:ANONYMOUS 127.0.0.1 delete group g"]);
});

it("without an authorizer every client may do everything", async () => {
  const broker = await WholeBroker.start();
  const { errorCode } = await broker.call(Heartbeat, 4, HEARTBEAT);
  expect(errorCode).not.toBe(ErrorCode.GROUP_AUTHORIZATION_FAILED);
});

/** What each API needs: of the whole request, or of each resource in it. */
const PERMISSIONS = `
Produce: write each topic, write each transactionalId
Fetch: read each topic
ListOffsets: describe each topic
Metadata: describe each topic, create each topic
OffsetCommit: read group, read each topic
OffsetFetch: describe each group, describe each topic
FindCoordinator: describe each group, describe each transactionalId
JoinGroup: read group
Heartbeat: read group
LeaveGroup: read group
SyncGroup: read group
DescribeGroups: describe each group
ListGroups: describe each group
SaslHandshake: none
CreateTopics: create each topic, describeConfigs each topic
DeleteTopics: delete each topic
DeleteRecords: delete each topic
InitProducerId: idempotentWrite each cluster, write each topic, write each transactionalId
OffsetForLeaderEpoch: describe each topic, clusterAction each cluster
AddPartitionsToTxn: write each transactionalId, write each topic, clusterAction each cluster
AddOffsetsToTxn: write transactionalId, read group
EndTxn: write transactionalId
WriteTxnMarkers: alter or clusterAction cluster
TxnOffsetCommit: write transactionalId, read group, read each topic
DescribeAcls: describe cluster
CreateAcls: alter cluster
DeleteAcls: alter cluster
DescribeConfigs: describeConfigs each topic, describeConfigs each group,
  describeConfigs each cluster
AlterConfigs: alterConfigs each topic, alterConfigs each group, alterConfigs each cluster
DescribeLogDirs: describe cluster
SaslAuthenticate: none
CreatePartitions: alter each topic
DeleteGroups: delete each group
ElectLeaders: alter cluster
IncrementalAlterConfigs: alterConfigs each topic, alterConfigs each group,
  alterConfigs each cluster
AlterPartitionReassignments: alter cluster
ListPartitionReassignments: describe cluster
OffsetDelete: delete group, read each topic
DescribeClientQuotas: describeConfigs cluster
AlterClientQuotas: alterConfigs cluster
DescribeUserScramCredentials: describe cluster
AlterUserScramCredentials: alter cluster
DescribeQuorum: describe cluster
UpdateFeatures: alter cluster
DescribeCluster: none
DescribeProducers: read each topic
UnregisterBroker: alter cluster
DescribeTransactions: describe each transactionalId, describe each topic
ListTransactions: describe each transactionalId
ConsumerGroupHeartbeat: read group, describe each topic
ConsumerGroupDescribe: describe each group, describe each topic
ListConfigResources: describeConfigs cluster
DescribeTopicPartitions: describe each topic
ApiVersions: none`;

it("the permissions of each API are those of Kafka", () => {
  const declared = handlers.map(({ api, authorize }) => {
    const needed = authorize.map(({ anyOf, resourceType, nameOf }) => {
      return `${anyOf.join(" or ")}${nameOf === null ? " each" : ""} ${resourceType}`;
    });
    return `${api.name}: ${needed.join(", ") || "none"}`;
  });
  expect(declared).toEqual(PERMISSIONS.trim().replaceAll("\n  ", " ").split("\n"));
});
