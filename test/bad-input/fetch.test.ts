import {
  ErrorCode,
  Fetch,
  ListOffsets,
  Metadata,
  OffsetForLeaderEpoch,
  type RequestInput,
} from "@tarpan/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { useBroker } from "../harness/broker-process.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { createTopic, fetch, produce, textBatch } from "../harness/records.ts";

const broker = useBroker();
let connection: RawConnection;

beforeAll(async () => {
  connection = await RawConnection.open(broker.port);
  await createTopic(connection, "plain");
  await produce(connection, "plain", textBatch("one", "two", "three"));
});

afterAll(() => connection.close());

it("answers an offset out of range with 1, and with the log's start and end offsets", async () => {
  for (const offset of [4, 1_000_000, -1, -2]) {
    const answer = await fetch(connection, "plain", offset);
    expect(answer.errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
  }
  const end = await fetch(connection, "plain", 3);
  expect(end).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: 3, logStartOffset: 0 });
});

it("answers unknown topics and partitions with 3, unknown ids with 100", async () => {
  const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  expect((await fetch(connection, "nobody-made-this", 0)).errorCode).toBe(unknown);
  expect((await fetch(connection, "plain", 0, { partition: 7 })).errorCode).toBe(unknown);
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
  const topics = [{ topicId: "ffffffff-0000-4000-8000-000000000000", partitions }];
  const { responses } = await connection.request(Fetch, 13, session(0, -1, topics));
  expect(responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
});

it("answers a future leader epoch with 75, a past one with 74", async () => {
  const answer = await fetch(connection, "plain", 0, { currentLeaderEpoch: 1_000_000 });
  expect(answer.errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
  const { topics } = await connection.request(Metadata, 12, { topics: [{ name: "plain" }] });
  const { leaderEpoch } = topics[0]!.partitions[0]!;
  const current = await fetch(connection, "plain", 0, { currentLeaderEpoch: leaderEpoch });
  expect(current.errorCode).toBe(ErrorCode.NONE);
  if (leaderEpoch === 0) return;
  const past = await fetch(connection, "plain", 0, { currentLeaderEpoch: leaderEpoch - 1 });
  expect(past.errorCode).toBe(ErrorCode.FENCED_LEADER_EPOCH);
});

type Topics = RequestInput<typeof Fetch>["topics"];

function session(sessionId: number, sessionEpoch: number, topics: Topics = []) {
  const limits = { maxWaitMs: 50, minBytes: 1, maxBytes: 1_000_000 };
  return { ...limits, sessionId, sessionEpoch, topics, forgottenTopicsData: [] };
}

it("answers an unknown session with 70, a session at another epoch with 71", async () => {
  const unknown = await connection.request(Fetch, 12, session(123_456, 1));
  expect(unknown.errorCode).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
  const opened = await connection.request(
    Fetch,
    12,
    session(0, 0, [{ topic: "plain", partitions }]),
  );
  expect(opened.errorCode).toBe(ErrorCode.NONE);
  expect(opened.sessionId).not.toBe(0);
  const astray = await connection.request(Fetch, 12, session(opened.sessionId, 5));
  expect(astray.errorCode).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
});

it("answers ListOffsets and OffsetForLeaderEpoch of unknown partitions with 3", async () => {
  const listed = await connection.request(ListOffsets, 7, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [
      { name: "nobody-made-this", partitions: [{ partitionIndex: 0, timestamp: -1n }] },
      { name: "plain", partitions: [{ partitionIndex: 9, timestamp: -1n }] },
    ],
  });
  const codes = listed.topics.flatMap((topic) => topic.partitions.map((each) => each.errorCode));
  expect(codes).toEqual([3, 3]);
  const epochs = await connection.request(OffsetForLeaderEpoch, 4, {
    topics: [{ topic: "nobody-made-this", partitions: [{ partition: 0, leaderEpoch: 0 }] }],
  });
  expect(epochs.topics[0]!.partitions[0]!.errorCode).toBe(3);
});

it("always answers within max_wait, whatever min_bytes is", async () => {
  const partitions = [{ partition: 0, fetchOffset: 3, partitionMaxBytes: 1000 }];
  const topics = [{ topic: "plain", partitions }];
  const answer = await connection.request(Fetch, 12, {
    ...session(0, -1, topics),
    minBytes: 0x7fffffff,
  });
  expect(answer.responses[0]!.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 3 });
});
