import { setImmediate as turn } from "node:timers/promises";
import {
  AddOffsetsToTxn,
  ConsumerGroupHeartbeat,
  ErrorCode,
  OffsetFetch,
  type RequestInput,
  TxnOffsetCommit,
} from "@tarpan/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { endGroupTransaction } from "../../src/groups/operations/end-transaction.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../../src/metadata/topic-names.ts";
import { allowAll } from "../../src/security/authorizer.ts";
import { KafkaError } from "../../src/util/kafka-error.ts";
import { stableGroup } from "./classic-broker.ts";
import { committedOffsets, offsetsBroker } from "./offsets-broker.ts";
import { Producer } from "./transactional.ts";
import { WholeBroker } from "./whole-broker.ts";

type Request = RequestInput<typeof TxnOffsetCommit>;

const UNKNOWN_ID = "00000000-0000-0000-0000-0000000000ff";

let broker: WholeBroker;
let topicId: string;
/** What the coordinator of transactions was asked; its answer. */
let asked: unknown[];
let answer: ErrorCode;

beforeEach(async () => {
  broker = await offsetsBroker();
  topicId = broker.metadata.image.topics.get("t")!.id;
  asked = [];
  answer = ErrorCode.NONE;
  Object.assign(broker.broker, {
    transactions: {
      verify: async (...question: unknown[]) => {
        asked.push(question);
        return answer;
      },
    },
  });
});

const partition = (partitionIndex: number, committedOffset: number, fields = {}) => ({
  partitionIndex,
  committedOffset,
  committedMetadata: null,
  ...fields,
});

/** Commits, and returns the error codes of the partitions in their order. */
async function commit(version: number, fields: Partial<Request> = {}) {
  const topic = version >= 6 ? { topicId } : { name: "t" };
  const request = {
    ...{ transactionalId: "x", groupId: "g", producerId: 7, producerEpoch: 0 },
    topics: [{ ...topic, partitions: [partition(0, 5), partition(1, 6)] }],
    ...fields,
  };
  const { topics } = await broker.call(TxnOffsetCommit, version, request);
  return topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
}

function end(isCommit: boolean, producerEpoch = 0) {
  const index = broker.broker.groups.partitionOf("g")!;
  const marker = { producerId: 7, producerEpoch, coordinatorEpoch: 1, isCommit };
  return broker.broker.groups.runOnPartition(
    index,
    endGroupTransaction({ ...marker, timestamp: 0, bumpsEpoch: false }),
  );
}

async function isUnstable(version: number): Promise<boolean> {
  const topics = [{ name: "t", partitionIndexes: [0] }];
  const request =
    version < 8
      ? { groupId: "g", topics, requireStable: true, groups: [] }
      : { groups: [{ groupId: "g", topics }], requireStable: true };
  const fetched = await broker.call(OffsetFetch, version, request);
  const found = version < 8 ? fetched.topics : fetched.groups[0]!.topics;
  return found[0]!.partitions[0]!.errorCode === ErrorCode.UNSTABLE_OFFSET_COMMIT;
}

const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(/\s/g, ""), "hex");
const idOf = (uuid: string) => uuid.replaceAll("-", "");

describe("TxnOffsetCommit", () => {
  it.each([0, 2, 3, 4, 5, 6])(
    "commits what counts after the end, at version %i",
    async (version) => {
      expect(await commit(version)).toEqual([0, 0]);
      const topic = CONSUMER_OFFSETS_TOPIC;
      const index = broker.broker.groups.partitionOf("g");
      const wanted = { transactionalId: "x", producerId: 7, producerEpoch: 0 };
      expect(asked).toEqual([[{ ...wanted, topic, partition: index }, version >= 5]]);
      expect(await commit(version)).toEqual([0, 0]);
      expect(asked).toHaveLength(1);
      expect(await committedOffsets(broker, "g")).toEqual([]);
      expect([await isUnstable(7), await isUnstable(8)]).toEqual([true, true]);
      expect(await end(true)).toBe(ErrorCode.NONE);
      expect(await committedOffsets(broker, "g")).toMatchObject([{ offset: 5 }, { offset: 6 }]);
      expect([await isUnstable(7), await isUnstable(8)]).toEqual([false, false]);
    },
  );

  it.each([
    [
      0,
      () => `001c 0000 00000009 0001 63
        0001 78 0001 67 0000000000000007 0000
        00000001 0001 74 00000001 00000000 0000000000000005 ffff`,
      () => "00000009 00000000 00000001 0001 74 00000001 00000000 0000",
    ],
    [
      5,
      () => `001c 0005 00000009 0001 63 00
        0278 0267 0000000000000007 0000 ffffffff 01 00
        02 0274 02 00000000 0000000000000005 00000003 026d 00 00 00`,
      () => "00000009 00 00000000 02 0274 02 00000000 0000 00 00 00",
    ],
    [
      6,
      () => `001c 0006 00000009 0001 63 00
        0278 0267 0000000000000007 0000 ffffffff 01 00
        02 ${idOf(topicId)} 02 00000000 0000000000000005 00000003 026d 00 00 00`,
      () => `00000009 00 00000000 02 ${idOf(topicId)} 02 00000000 0000 00 00 00`,
    ],
  ])("has Kafka's bytes at version %i", async (_version, request, response) => {
    const answered = await broker.sendFrame(bytesOf(request()));
    expect(Buffer.from(answered!).toString("hex")).toBe(bytesOf(response()).toString("hex"));
    await end(true);
    expect(await committedOffsets(broker, "g")).toMatchObject([{ topic: "t", offset: 5 }]);
  });

  it("refuses each invalid partition on its own", async () => {
    const topics = [
      { name: "t", partitions: [partition(0, 1), partition(2, 1)] },
      { name: "nowhere", partitions: [partition(0, 1)] },
    ];
    const { NONE, UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID } = ErrorCode;
    const unknown = UNKNOWN_TOPIC_OR_PARTITION;
    expect(await commit(5, { topics })).toEqual([NONE, unknown, unknown]);
    const byId = [{ topicId: UNKNOWN_ID, partitions: [partition(0, 1)] }];
    expect(await commit(6, { topics: byId })).toEqual([UNKNOWN_TOPIC_ID]);
  });

  it.each([
    [3, ErrorCode.TRANSACTION_ABORTABLE, ErrorCode.INVALID_TXN_STATE],
    [4, ErrorCode.TRANSACTION_ABORTABLE, ErrorCode.TRANSACTION_ABORTABLE],
    [1, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.COORDINATOR_NOT_AVAILABLE],
    [2, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS],
    [0, ErrorCode.INVALID_TXN_STATE, ErrorCode.INVALID_TXN_STATE],
    [5, ErrorCode.INVALID_PRODUCER_ID_MAPPING, ErrorCode.INVALID_PRODUCER_ID_MAPPING],
    [6, ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.CONCURRENT_TRANSACTIONS],
  ])("at version %i answers the transaction's %i with %i", async (version, code, answered) => {
    answer = code;
    expect(await commit(version)).toEqual([answered, answered]);
    await end(true);
    expect(await committedOffsets(broker, "g")).toEqual([]);
  });

  it("fences older epochs of a producer", async () => {
    await commit(5, { producerEpoch: 1 });
    const code = ErrorCode.INVALID_PRODUCER_EPOCH;
    expect(await commit(5)).toEqual([code, code]);
    expect(asked).toHaveLength(1);
    expect(await end(true)).toBe(code);
  });

  it("fences classic members by generation, if the client names one", async () => {
    const memberId = await stableGroup(broker);
    const member = { memberId, generationIdOrMemberEpoch: 1 };
    expect(await commit(3, member)).toEqual([0, 0]);
    const illegal = ErrorCode.ILLEGAL_GENERATION;
    expect(await commit(6, { ...member, generationIdOrMemberEpoch: 0 })).toEqual([
      illegal,
      illegal,
    ]);
    const unknown = ErrorCode.UNKNOWN_MEMBER_ID;
    expect(await commit(6, { ...member, memberId: "x" })).toEqual([unknown, unknown]);
    // Clients of older versions name no member.
    expect(await commit(0)).toEqual([0, 0]);
  });

  it("fences members of the consumer protocol by epoch", async () => {
    const request = { groupId: "g", memberId: "a", memberEpoch: 0, rebalanceTimeoutMs: 60_000 };
    const joining = { ...request, subscribedTopicNames: ["t"], topicPartitions: [] };
    const { memberEpoch } = await broker.call(ConsumerGroupHeartbeat, 0, joining);
    const member = { memberId: "a", generationIdOrMemberEpoch: memberEpoch };
    expect(await commit(3, member)).toEqual([0, 0]);
    const stale = { ...member, generationIdOrMemberEpoch: memberEpoch + 1 };
    const { ILLEGAL_GENERATION, STALE_MEMBER_EPOCH } = ErrorCode;
    expect(await commit(5, stale)).toEqual([ILLEGAL_GENERATION, ILLEGAL_GENERATION]);
    expect(await commit(6, stale)).toEqual([STALE_MEMBER_EPOCH, STALE_MEMBER_EPOCH]);
    expect(await commit(2)).toEqual([0, 0]);
  });

  it("refuses the empty group id, and needs a coordinator", async () => {
    const invalid = ErrorCode.INVALID_GROUP_ID;
    expect(await commit(5, { groupId: "" })).toEqual([invalid, invalid]);
    broker = await WholeBroker.start();
    const none = ErrorCode.COORDINATOR_NOT_AVAILABLE;
    expect(await commit(5)).toEqual([none, none]);
  });

  it.each([
    ["transactionalId", ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED],
    ["group", ErrorCode.GROUP_AUTHORIZATION_FAILED],
  ])("needs permission for the %s", async (denied, code) => {
    const allows = (_: unknown, __: unknown, resourceType: string) => resourceType !== denied;
    broker = await WholeBroker.startWith({ authorizer: { ...allowAll, allows } });
    expect(await commit(5)).toEqual([code, code]);
  });

  it.each([
    [3, false],
    [5, true],
    [6, true],
  ])("follows the transaction of a real coordinator, at version %i", async (version, isNewer) => {
    broker = await offsetsBroker();
    topicId = broker.metadata.image.topics.get("t")!.id;
    const producer = new Producer(broker, "x", isNewer);
    expect(await producer.init()).toBe(0);
    const fields = () => {
      const { producerId, producerEpoch } = producer;
      return { producerId, producerEpoch };
    };
    for (const isCommit of [false, true]) {
      if (!isNewer) {
        const code = ErrorCode.INVALID_TXN_STATE;
        expect(await commit(version, fields())).toEqual([code, code]);
        const group = { transactionalId: "x", groupId: "g", ...fields() };
        expect((await broker.call(AddOffsetsToTxn, 3, group)).errorCode).toBe(0);
      }
      expect(await commit(version, fields())).toEqual([0, 0]);
      expect(await isUnstable(8)).toBe(true);
      expect(await producer.end(isCommit)).toBe(0);
      // The markers are written after an end was answered.
      for (let turns = 0; turns < 100 && (await isUnstable(8)); turns++) await turn();
      expect(await isUnstable(8)).toBe(false);
    }
    expect(await committedOffsets(broker, "g")).toMatchObject([{ offset: 5 }, { offset: 6 }]);
  });

  it("runs markers only on partitions that this broker leads", async () => {
    const marker = { producerId: 7, producerEpoch: 0, coordinatorEpoch: 1, isCommit: true };
    const operation = endGroupTransaction({ ...marker, timestamp: 0, bumpsEpoch: false });
    await expect(broker.broker.groups.runOnPartition(99, operation)).rejects.toMatchObject({
      constructor: KafkaError,
      errorCode: ErrorCode.NOT_COORDINATOR,
    });
  });
});
