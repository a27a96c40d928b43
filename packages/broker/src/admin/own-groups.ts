import {
  decodeConsumerAssignment,
  ErrorCode,
  errorOf,
  ProtocolError,
  ZERO_UUID,
} from "@tarpan/protocol";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";
import { CONSUMER_PROTOCOL_TYPE } from "../groups/limits.ts";
import type { OffsetStore } from "../groups/model/offset-store.ts";
import type { Group } from "../groups/model/state.ts";
import {
  type DescribedGroup as DescribedClassicGroup,
  describeGroup,
} from "../groups/operations/classic-describe.ts";
import { commitOffsets } from "../groups/operations/commit-offsets.ts";
import {
  type DescribedGroup as DescribedConsumerGroup,
  describeConsumerGroup,
} from "../groups/operations/consumer-describe.ts";
import { deleteGroup } from "../groups/operations/delete-group.ts";
import type { GroupOperation } from "../groups/turn.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../metadata/topic-names.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { AdminError, coordinatorNotAvailable } from "./admin-error.ts";
import type {
  GroupDetail,
  GroupMember,
  GroupOffset,
  GroupSummary,
  GroupsAdmin,
  GroupUsage,
  OffsetMove,
  OffsetReset,
} from "./groups-admin.ts";
import type { LeaderOffsets } from "./leader-offsets.ts";

interface Parts {
  readonly groups: GroupCoordinator;
  readonly metadata: Metadata;
  readonly offsets: LeaderOffsets;
  readonly isServing: () => boolean;
}

/** A commit without a member id, as admin tools make it, works only on a group without members. */
const COMMIT_VERSION = 9;

/** The groups that this broker coordinates. */
export class OwnGroups implements GroupsAdmin {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async list(): Promise<readonly GroupSummary[]> {
    return (await this.#runOnAll(groupRows)).flat();
  }

  async describe(groupId: string): Promise<GroupDetail> {
    this.#expectTopic(groupId);
    // All three begin in one turn, so they see the same state.
    const [consumer, classic, committed] = await Promise.all([
      this.#run(groupId, describeConsumerGroup(groupId)),
      this.#run(groupId, describeGroup(groupId)),
      this.#run(groupId, committedBy(groupId)),
    ]);
    const offsets = await this.#withLag(committed);
    if (consumer.errorCode === ErrorCode.NONE) {
      const members = consumer.members.map(consumerMember);
      const { groupState: state } = consumer;
      const protocolType = CONSUMER_PROTOCOL_TYPE;
      const memberCount = members.length;
      return { groupId, kind: "consumer", state, protocolType, memberCount, members, offsets };
    }
    const { groupState: state, protocolType = "" } = classic;
    if (state === "Dead") throw unknownGroup(groupId);
    const members = classic.members.map((member) => classicMember(member, protocolType));
    const memberCount = members.length;
    return { groupId, kind: "classic", state, protocolType, memberCount, members, offsets };
  }

  async delete(groupId: string): Promise<void> {
    this.#expectTopic(groupId);
    const errorCode = await this.#run(groupId, deleteGroup(groupId));
    if (errorCode === ErrorCode.GROUP_ID_NOT_FOUND) throw unknownGroup(groupId);
    if (errorCode !== ErrorCode.NONE) throw notEmpty(groupId);
  }

  async resetOffsets(groupId: string, reset: OffsetReset): Promise<readonly OffsetMove[]> {
    const { memberCount, offsets } = await this.describe(groupId);
    if (memberCount > 0) throw notEmpty(groupId);
    const committed = new Map<number, number>();
    for (const { topic, partition, committedOffset } of offsets) {
      if (topic === reset.topic) committed.set(partition, committedOffset);
    }
    const moves = await this.#parts.offsets.planReset(reset, committed);
    if (reset.execute) await this.#commit(groupId, reset.topic, moves);
    return moves;
  }

  async usage(): Promise<GroupUsage> {
    // Otherwise a partition that stays offline would delay every scrape.
    if (!this.#parts.groups.isLoaded) return { groups: [], offsets: [] };
    try {
      const [groups, committed] = await Promise.all([
        this.#runOnAll(groupRows),
        this.#runOnAll(committedByAll),
      ]);
      const rows = committed.flat();
      const offsets = await this.#withLag(rows);
      const named = offsets.map((row, at) => ({ groupId: rows[at]!.groupId, ...row }));
      return { groups: groups.flat(), offsets: named };
    } catch (error) {
      if (!(error instanceof AdminError)) throw error;
      return { groups: [], offsets: [] };
    }
  }

  /** All or nothing, and only while the group has no members: the coordinator ensures both. */
  async #commit(groupId: string, name: string, moves: readonly OffsetMove[]): Promise<void> {
    const partitions = moves.map(({ partition, to }) => ({
      partitionIndex: partition,
      committedOffset: to,
      committedLeaderEpoch: -1,
      committedMetadata: "",
    }));
    const request = {
      groupId,
      memberId: "",
      groupInstanceId: null,
      generationIdOrMemberEpoch: -1,
      retentionTimeMs: -1n,
      topics: [{ name, topicId: ZERO_UUID, partitions }],
    };
    const commit = commitOffsets(request, COMMIT_VERSION);
    const { topics } = await this.#run(groupId, commit);
    for (const { errorCode } of topics.flatMap((topic) => topic.partitions)) {
      if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID) throw notEmpty(groupId);
      if (errorCode !== ErrorCode.NONE)
        throw new AdminError("conflict", `refused: ${errorOf(errorCode).name}`);
    }
  }

  async #withLag(rows: readonly CommittedRow[]): Promise<GroupOffset[]> {
    const ends = await this.#parts.offsets.ends(
      rows.map(({ topic, partition }) => [topic, partition]),
    );
    return rows.map(({ topic, partition, offset: committedOffset }, at) => {
      const endOffset = ends[at]!;
      const lag = endOffset === null ? null : Math.max(0, endOffset - committedOffset);
      return { topic, partition, committedOffset, endOffset, lag };
    });
  }

  async #runOnAll<T>(operation: GroupOperation<T>): Promise<T[]> {
    this.#expectServing();
    return this.#parts.groups.runOnAll(operation).catch(asAdminError);
  }

  #run<T>(groupId: string, operation: GroupOperation<T>): Promise<T> {
    return this.#parts.groups.run(groupId, operation).catch(asAdminError);
  }

  /** Before `__consumer_offsets` exists there is no coordinator to ask, and there are no groups. */
  #expectTopic(groupId: string): void {
    this.#expectServing();
    const { topics } = this.#parts.metadata.image;
    if (!topics.has(CONSUMER_OFFSETS_TOPIC)) throw unknownGroup(groupId);
  }

  /** Before the broker serves, no partition of groups is loaded: every group would seem unknown. */
  #expectServing(): void {
    if (!this.#parts.isServing()) throw coordinatorNotAvailable();
  }
}

function asAdminError(error: unknown): never {
  throw error instanceof KafkaError ? coordinatorNotAvailable(error) : error;
}

const groupRows: GroupOperation<GroupSummary[]> = (turn, reply) => {
  const { groups, offsets } = turn.state;
  const rows: GroupSummary[] = [];
  for (const group of groups.values()) {
    const { groupId, kind, stateName: state, protocolType } = group;
    rows.push({ groupId, kind, state, protocolType, memberCount: memberCountOf(group) });
  }
  for (const groupId of offsets.groupIds()) {
    if (groups.has(groupId)) continue;
    rows.push({ groupId, kind: "classic", state: "Empty", protocolType: "", memberCount: 0 });
  }
  turn.reply(reply, rows);
};

interface CommittedRow {
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

const committedByAll: GroupOperation<CommittedRow[]> = (turn, reply) => {
  const { offsets } = turn.state;
  turn.reply(reply, Array.from(offsets.groupIds(), (id) => committedRows(offsets, id)).flat());
};

function committedBy(groupId: string): GroupOperation<CommittedRow[]> {
  return (turn, reply) => turn.reply(reply, committedRows(turn.state.offsets, groupId));
}

function committedRows(offsets: OffsetStore, groupId: string): CommittedRow[] {
  const rows: CommittedRow[] = [];
  for (const [topic, partitions] of offsets.topicsOf(groupId) ?? []) {
    for (const [partition, { offset }] of partitions) {
      rows.push({ groupId, topic, partition, offset });
    }
  }
  return rows;
}

function memberCountOf(group: Group): number {
  return group.kind === "classic" ? group.live.members.size : group.members.size;
}

function consumerMember(member: DescribedConsumerGroup["members"][number]): GroupMember {
  const { memberId, instanceId = null, clientId, clientHost } = member;
  const assignment = member.assignment.topicPartitions.map(({ topicName, partitions }) => {
    return { topic: topicName, partitions: [...partitions] };
  });
  return { memberId, instanceId, clientId, clientHost, assignment };
}

function classicMember(
  member: DescribedClassicGroup["members"][number],
  protocolType: string,
): GroupMember {
  const { memberId, groupInstanceId: instanceId = null, clientId, clientHost } = member;
  const assignment =
    protocolType === CONSUMER_PROTOCOL_TYPE ? decodedAssignment(member.memberAssignment) : null;
  return { memberId, instanceId, clientId, clientHost, assignment };
}

/** The bytes come from a client's group leader and may be anything. */
function decodedAssignment(bytes: Uint8Array): GroupMember["assignment"] {
  if (bytes.length === 0) return [];
  try {
    return decodeConsumerAssignment(bytes).assignedPartitions;
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

function unknownGroup(groupId: string): AdminError {
  return new AdminError("not-found", `there is no group ${groupId}`);
}

function notEmpty(groupId: string): AdminError {
  return new AdminError("conflict", `the group ${groupId} has members: stop its consumers first`);
}
