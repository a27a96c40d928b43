import { decompress } from "@tarpan/codecs";
import {
  decodeBatches,
  decodeConsumerAssignment,
  decodeGroupRecord,
  ErrorCode,
  type GroupRecord,
  Metadata,
  OffsetFetch,
} from "@tarpan/protocol";
import { expect } from "vitest";
import type { Address } from "./client-broker.ts";
import { RawConnection } from "./raw-connection.ts";
import { fetch } from "./records.ts";

/** The last version that identifies topics by name and asks for one group. */
const OFFSET_FETCH_VERSION = 5;
export const OFFSETS_TOPIC = "__consumer_offsets";

/** A group's committed offsets, -1 for none. Null while the coordinator is not available. */
export async function committedOffsets(
  connection: RawConnection,
  groupId: string,
  topic: string,
  partitions: number,
): Promise<number[] | null> {
  const partitionIndexes = Array.from({ length: partitions }, (_, index) => index);
  const topics = [{ name: topic, partitionIndexes }];
  const answer = await connection.request(OffsetFetch, OFFSET_FETCH_VERSION, { groupId, topics });
  if (answer.errorCode !== 0) return null;
  const offsets: number[] = Array(partitions).fill(-1);
  for (const { partitionIndex, committedOffset, errorCode } of answer.topics[0]!.partitions) {
    if (errorCode !== 0) return null;
    offsets[partitionIndex] = committedOffset;
  }
  return offsets;
}

/** Runs `use` with a connection, and again with a new one each time the connection is lost. */
export async function withReconnect(
  broker: Address,
  isOver: () => boolean,
  use: (connection: RawConnection) => Promise<void>,
): Promise<void> {
  let connection: RawConnection | null = null;
  while (!isOver()) {
    try {
      connection ??= await RawConnection.open(broker.port);
      await use(connection);
    } catch (error) {
      if (connection !== null && !connection.isClosed) throw error;
      connection = null;
      await pause();
    }
  }
  connection?.close();
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

/** All batches of `__consumer_offsets`, partition by partition. */
export async function groupLog(connection: RawConnection): Promise<GroupRecord[][]> {
  const batches: GroupRecord[][] = [];
  for (const partition of await offsetsPartitions(connection))
    batches.push(...(await groupBatches(connection, partition)));
  return batches;
}

/** The partitions of `__consumer_offsets`. */
export async function offsetsPartitions(connection: RawConnection): Promise<number[]> {
  const described = await connection.request(Metadata, 9, { topics: [{ name: OFFSETS_TOPIC }] });
  return described.topics[0]!.partitions.map(({ partitionIndex }) => partitionIndex);
}

/** All batches of one partition of `__consumer_offsets`, read from its leader. */
export async function groupBatches(
  connection: RawConnection,
  partition: number,
): Promise<GroupRecord[][]> {
  const read = async (offset: number) => {
    const answer = await fetch(connection, OFFSETS_TOPIC, offset, { partition, maxWaitMs: 0 });
    if (answer.errorCode > ErrorCode.OFFSET_OUT_OF_RANGE)
      throw new Error(`Fetch of ${OFFSETS_TOPIC}-${partition}: ${answer.errorCode}`);
    return answer;
  };
  const batches: GroupRecord[][] = [];
  // Earlier records may have been trimmed after a snapshot.
  let next = (await read(0)).logStartOffset;
  for (let answer = await read(next); next < answer.highWatermark; answer = await read(next)) {
    for (const batch of decodeBatches(answer.records!, { decompress })) {
      const records: GroupRecord[] = [];
      for (const { key, value, offset } of batch.records()) {
        next = offset + 1;
        const record = key === null ? null : decodeGroupRecord(key, value);
        if (record !== null) records.push(record);
      }
      batches.push(records);
    }
  }
  return batches;
}

/** Checks a group's records: never two owners of a partition, never an offset that goes back. */
export function expectConsistentLog(
  log: readonly GroupRecord[][],
  groupId: string,
  { offsetsMayGoBack = false } = {},
): void {
  const offsets = new Map<string, number>();
  const owned = new Map<string, readonly string[]>();
  let generation = -1;
  for (const batch of log) {
    for (const { record, key, value } of batch) {
      if (value === null) {
        if (record === "ConsumerGroupCurrentMemberAssignment") owned.delete(key.memberId);
      } else if (record === "OffsetCommit" && key.group === groupId) {
        const partition = `${key.topic}-${key.partition}`;
        const least = offsetsMayGoBack ? 0 : (offsets.get(partition) ?? 0);
        expect(value.offset, `${groupId}: ${partition}`).toBeGreaterThanOrEqual(least);
        offsets.set(partition, value.offset);
      } else if (record === "GroupMetadata" && key.group === groupId) {
        expect(value.generation).toBeGreaterThanOrEqual(generation);
        generation = value.generation;
        expectSingleOwners(`generation ${generation}`, value.members.map(assignedBytes));
      } else if (record === "ConsumerGroupCurrentMemberAssignment" && key.groupId === groupId) {
        const all = [...value.assignedPartitions, ...value.partitionsPendingRevocation];
        owned.set(key.memberId, all.flatMap(named));
      }
    }
    expectSingleOwners("the current assignment", [...owned.values()]);
  }
}

const named = ({ topicId, partitions }: { topicId: string; partitions: readonly number[] }) =>
  partitions.map((partition) => `${topicId}-${partition}`);

function assignedBytes({ assignment }: { assignment: Uint8Array }): string[] {
  if (assignment.length === 0) return [];
  const { assignedPartitions } = decodeConsumerAssignment(assignment);
  return assignedPartitions.flatMap(({ topic, partitions }) =>
    named({ topicId: topic, partitions }),
  );
}

/** Fails if two owners have the same partition. */
export function expectSingleOwners(what: string, owners: readonly (readonly string[])[]): void {
  const all = owners.flat();
  const twice = all.filter((partition, index) => all.indexOf(partition) !== index);
  expect(twice, `partitions with two owners in ${what}`).toEqual([]);
}
