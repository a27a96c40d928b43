import {
  ConsumerGroupDescribe,
  DeleteGroups,
  DescribeGroups,
  decodeConsumerAssignment,
  ErrorCode,
  ListGroups,
  ProtocolError,
  type ResponseOf,
} from "@tarpan/protocol";
import type { Client } from "../connection/client.ts";
import type { Connection } from "../connection/connection.ts";
import type { TopicPartition } from "../connection/offsets.ts";
import { assertOk, KafkaResponseError, UnsupportedVersionError } from "../errors.ts";
import { askCoordinator } from "./coordinator.ts";

export interface GroupFilter {
  /** Group states such as `Stable` or `Empty` (KIP-518). Default: all. */
  readonly states?: readonly string[];
  /** `classic` or `consumer` (KIP-848). Default: all. */
  readonly types?: readonly string[];
}

export interface ListedGroup {
  readonly groupId: string;
  /** `consumer` for consumers; empty for a group that never had members, only commits. */
  readonly protocolType: string;
  /** Empty from brokers older than KIP-518. */
  readonly state: string;
  /** `classic`, `consumer` or another type; empty from brokers older than KIP-848. */
  readonly type: string;
}

export interface GroupDescription {
  readonly groupId: string;
  readonly type: "classic" | "consumer";
  readonly state: string;
  /** The assignor in use; empty while the group has none. */
  readonly assignor: string;
  /** The node id of the group's coordinator. */
  readonly coordinator: number;
  readonly members: readonly GroupMember[];
}

export interface GroupMember {
  readonly memberId: string;
  /** `group.instance.id` (KIP-345). */
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly host: string;
  readonly partitions: readonly TopicPartition[];
}

/** Asks all brokers: each lists only the groups that it coordinates. */
export async function listGroups(
  client: Client,
  { states = [], types = [] }: GroupFilter,
): Promise<ListedGroup[]> {
  const { brokers } = await client.cluster();
  const listed = [...brokers.keys()].map((nodeId) =>
    client.retrying(`listing groups of broker ${nodeId}`, async () => {
      const connection = await client.connectionTo(nodeId);
      assertFilters(connection, states, types);
      const body = { statesFilter: states, typesFilter: types };
      const { errorCode, groups } = await connection.request(ListGroups, body);
      assertOk(errorCode, `groups of broker ${nodeId}`);
      return groups;
    }),
  );
  const groups = (await Promise.all(listed)).flat();
  return groups
    .map(({ groupId, protocolType, groupState, groupType }) => {
      return { groupId, protocolType, state: groupState, type: groupType };
    })
    .sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
}

const STATES_SINCE = 4;
const TYPES_SINCE = 5;

/** A broker too old for a filter would answer as if none had been given. */
function assertFilters(
  connection: Connection,
  states: readonly string[],
  types: readonly string[],
): void {
  const since = types.length > 0 ? TYPES_SINCE : states.length > 0 ? STATES_SINCE : 0;
  if (connection.versionOf(ListGroups) < since)
    throw new UnsupportedVersionError(
      `${connection.address} is too old to filter groups by ${types.length > 0 ? "type" : "state"}`,
    );
}

/** Rejects with GROUP_ID_NOT_FOUND for an unknown group, also from brokers before KIP-1043. */
export function describeGroup(client: Client, groupId: string): Promise<GroupDescription> {
  return askCoordinator(client, "group", groupId, "description", async (coordinator, nodeId) => {
    const described =
      (await describeConsumer(coordinator, groupId)) ??
      (await describeClassic(coordinator, groupId));
    return { groupId, ...described, coordinator: nodeId };
  });
}

type Described = Omit<GroupDescription, "groupId" | "coordinator">;

/** Null if this is no KIP-848 group, or the broker does not support them. */
async function describeConsumer(
  coordinator: Connection,
  groupId: string,
): Promise<Described | null> {
  if (!supportsConsumerGroups(coordinator)) return null;
  const body = { groupIds: [groupId], includeAuthorizedOperations: false };
  const group = (await coordinator.request(ConsumerGroupDescribe, body)).groups[0]!;
  const { GROUP_ID_NOT_FOUND, UNSUPPORTED_VERSION } = ErrorCode;
  if (group.errorCode === GROUP_ID_NOT_FOUND || group.errorCode === UNSUPPORTED_VERSION)
    return null;
  assertOk(group.errorCode, `group ${groupId}`, group.errorMessage);
  const members = group.members.map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.instanceId,
    clientId: member.clientId,
    host: member.clientHost,
    partitions: member.assignment.topicPartitions.flatMap(({ topicName: topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    ),
  }));
  return { type: "consumer", state: group.groupState, assignor: group.assignorName, members };
}

function supportsConsumerGroups(coordinator: Connection): boolean {
  try {
    coordinator.versionOf(ConsumerGroupDescribe);
    return true;
  } catch (error) {
    if (error instanceof UnsupportedVersionError) return false;
    throw error;
  }
}

async function describeClassic(coordinator: Connection, groupId: string): Promise<Described> {
  const body = { groups: [groupId], includeAuthorizedOperations: false };
  const group = (await coordinator.request(DescribeGroups, body)).groups[0]!;
  assertOk(group.errorCode, `group ${groupId}`, group.errorMessage);
  if (group.groupState === "Dead")
    throw new KafkaResponseError(ErrorCode.GROUP_ID_NOT_FOUND, `group ${groupId}`);
  const members = group.members.map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    host: member.clientHost,
    partitions: assignedTo(member, group.protocolType),
  }));
  return { type: "classic", state: group.groupState, assignor: group.protocolData, members };
}

type ClassicMember = ResponseOf<typeof DescribeGroups>["groups"][number]["members"][number];

/** Empty while the group rebalances, and for members that are no consumers, such as Connect's. */
function assignedTo({ memberAssignment }: ClassicMember, protocolType: string): TopicPartition[] {
  if (protocolType !== "consumer" || memberAssignment.length === 0) return [];
  try {
    return decodeConsumerAssignment(memberAssignment).assignedPartitions.flatMap(
      ({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })),
    );
  } catch (error) {
    // Any client may lead the group, and may send a bad assignment: the group is still described.
    if (error instanceof ProtocolError) return [];
    throw error;
  }
}

/** Deletes a group and its offsets. Rejects with NON_EMPTY_GROUP while it has members. */
export function deleteGroup(client: Client, groupId: string): Promise<void> {
  let unanswered = false;
  return askCoordinator(client, "group", groupId, "deletion", async (coordinator) => {
    const { results } = await coordinator
      .request(DeleteGroups, { groupsNames: [groupId] })
      .catch((error) => {
        unanswered = true;
        throw error;
      });
    const { errorCode } = results[0]!;
    // An earlier try, whose response was lost, has deleted the group.
    if (errorCode === ErrorCode.GROUP_ID_NOT_FOUND && unanswered) return;
    assertOk(errorCode, `group ${groupId}`);
  });
}
