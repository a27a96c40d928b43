import {
  ErrorCode,
  type GroupRecord,
  type RequestOf,
  type ResponseInput,
  type TxnOffsetCommit,
  ZERO_UUID,
} from "@tarpan/protocol";
import type { GroupState } from "../../../src/groups/model/state.ts";
import {
  type CommitVerification,
  commitPendingOffsets,
  commitVerified,
} from "../../../src/groups/operations/commit-pending-offsets.ts";
import { endGroupTransaction } from "../../../src/groups/operations/end-transaction.ts";
import { fetchOffsets, type GroupOffsets } from "../../../src/groups/operations/fetch-offsets.ts";
import type { EndOfTransaction } from "../../../src/partition/markers.ts";
import { OffsetWorld } from "./support.ts";

export type CommitRequest = RequestOf<typeof TxnOffsetCommit>;
type CommitResponse = ResponseInput<typeof TxnOffsetCommit>;

/** A partition and its offset. */
export type Offset = readonly [topic: string, partition: number, offset: number];

export interface CommitFields extends Partial<CommitRequest> {
  readonly version?: number;
}

/** Runs the group coordinator for commits in transactions, which its coordinator agrees to. */
export class TransactionWorld extends OffsetWorld {
  /** Commits, after a verification if one is needed. Returns the error codes of the partitions. */
  commitPending(groupId: string, offsets: readonly Offset[], fields: CommitFields = {}): number[] {
    const first = this.begin(groupId, offsets, fields);
    if ("answer" in first) return codesOf(first.answer);
    return this.finish(groupId, offsets, first.unverified, fields);
  }

  /** Only the part before the verification. */
  begin(groupId: string, offsets: readonly Offset[], { version = 5, ...fields }: CommitFields) {
    return this.run(commitPendingOffsets(requestOf(groupId, offsets, fields), version)).answer;
  }

  finish(
    groupId: string,
    offsets: readonly Offset[],
    verified: CommitVerification,
    { version = 5, ...fields }: CommitFields = {},
  ): number[] {
    const request = requestOf(groupId, offsets, fields);
    return codesOf(this.run(commitVerified(request, version, verified)).answer);
  }

  /** The marker of transaction 7, epoch 0, unless `fields` say otherwise. */
  end(isCommit: boolean, fields: Partial<EndOfTransaction> = {}): number {
    const end = {
      ...{ producerId: 7, producerEpoch: 0, coordinatorEpoch: 1, isCommit, bumpsEpoch: false },
      ...{ timestamp: this.time.wallMs(), ...fields },
    };
    return this.run(endGroupTransaction(end)).answer;
  }

  fetch(groupId: string, requireStable = false): GroupOffsets {
    const wanted = { groupId, memberId: null, memberEpoch: -1 };
    const topics = ["t", "u", "v"].map((name) => ({
      ...{ name, topicId: ZERO_UUID },
      partitionIndexes: [0, 1],
    }));
    return this.run(fetchOffsets({ ...wanted, topics }, false, requireStable)).answer;
  }

  /** The committed offset of partition 0 of `t`; -1 for none, null when it is unstable. */
  offset(groupId: string, requireStable = false): number | null {
    const { committedOffset, errorCode } = this.fetch(groupId, requireStable).topics[0]!
      .partitions[0]!;
    return errorCode === ErrorCode.UNSTABLE_OFFSET_COMMIT ? null : committedOffset;
  }

  /** Continues with the state that a snapshot restores. */
  restart(): void {
    this.log.splice(0, this.log.length, ...this.snapshot());
    this.crash();
  }
}

/** All that is recorded about offsets and producers, in an order that does not matter. */
export function recorded({ offsets }: GroupState) {
  const committed = [...offsets.records()]
    .flat()
    .filter((record) => record.record === "OffsetCommit")
    .map(({ key, value }) => [JSON.stringify(key), value] as const);
  // The order of one partition's pending offsets matters.
  const pending = new Map<string, unknown[]>();
  for (const groupId of offsets.pending.groupIds()) {
    for (const { producerId, topic, partition, value, isOutdated } of offsets.pending.ofGroup(
      groupId,
    )) {
      const key = `${groupId} ${topic} ${partition}`;
      pending.set(key, [...(pending.get(key) ?? []), { producerId, value, isOutdated }]);
    }
  }
  const producers = [...offsets.pending.producers].map(([id, producer]) => {
    return [id, { ...producer, pending: producer.pending.size }] as const;
  });
  return { committed: new Map(committed), pending, producers: new Map(producers) };
}

export function namesOf(records: readonly GroupRecord[]): string[] {
  return records.map(({ record, value }) => (value === null ? `no ${record}` : record));
}

export function requestOf(
  groupId: string,
  offsets: readonly Offset[],
  fields: Partial<CommitRequest>,
): CommitRequest {
  const topics = offsets.map(([name, partitionIndex, committedOffset]) => {
    const partition = { partitionIndex, committedOffset, committedLeaderEpoch: 3 };
    return { name, topicId: ZERO_UUID, partitions: [{ ...partition, committedMetadata: "m" }] };
  });
  return {
    ...{ transactionalId: "x", groupId, producerId: 7, producerEpoch: 0 },
    ...{ generationIdOrMemberEpoch: -1, memberId: "", groupInstanceId: null, topics, ...fields },
  };
}

function codesOf({ topics }: CommitResponse): number[] {
  return topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
}
