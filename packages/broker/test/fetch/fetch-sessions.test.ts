import { ErrorCode, type Fetch, type RequestOf, ZERO_UUID } from "@tarpan/protocol";
import { expect, test } from "vitest";
import { FetchSessions } from "../../src/fetch/fetch-sessions.ts";
import { FETCH_SESSION_PROTECTED_MS } from "../../src/fetch/limits.ts";
import { ManualTime } from "../env/manual-time.ts";
import { SeededRandom } from "../env/seeded-random.ts";

const MAX_SESSIONS = 20;

type Request = RequestOf<typeof Fetch>;

function request(
  sessionId: number,
  sessionEpoch: number,
  wanted: Record<string, Record<number, number>> = {},
  forgotten: Record<string, number[]> = {},
): Request {
  const topics = Object.entries(wanted).map(([topic, partitions]) => ({
    topic,
    topicId: ZERO_UUID,
    partitions: Object.entries(partitions).map(([partition, fetchOffset]) => ({
      partition: Number(partition),
      currentLeaderEpoch: -1,
      fetchOffset,
      lastFetchedEpoch: -1,
      logStartOffset: -1,
      partitionMaxBytes: 1024,
      replicaDirectoryId: ZERO_UUID,
      highWatermark: 9_223_372_036_854_775_807n,
    })),
  }));
  const forgottenTopicsData = Object.entries(forgotten).map(([topic, partitions]) => ({
    topic,
    topicId: ZERO_UUID,
    partitions,
  }));
  return {
    clusterId: null,
    replicaId: -1,
    replicaState: { replicaId: -1, replicaEpoch: -1 },
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1024,
    isolationLevel: 0,
    sessionId,
    sessionEpoch,
    topics,
    forgottenTopicsData,
    rackId: "",
  };
}

function newSessions() {
  const time = new ManualTime();
  return { time, sessions: new FetchSessions(time, new SeededRandom(1), MAX_SESSIONS) };
}

function plan(answer: ReturnType<FetchSessions["resolve"]>) {
  if (typeof answer === "number") throw new Error(`error ${answer}`);
  return answer;
}

test("without a session every request names its partitions", () => {
  const { sessions } = newSessions();
  const answer = plan(sessions.resolve(request(0, -1, { t: { 0: 5 } }), false));
  expect(answer).toMatchObject({ session: null, incremental: false });
  expect([...answer.wanted.values()]).toMatchObject([{ topic: "t", partition: 0, fetchOffset: 5 }]);
  expect(sessions.count).toBe(0);
});

test("a session remembers, updates and forgets partitions", () => {
  const { sessions } = newSessions();
  const { session } = plan(sessions.resolve(request(0, 0, { t: { 0: 0, 1: 0 } }), false));
  const second = plan(
    sessions.resolve(request(session!.id, 1, { t: { 0: 9 }, u: { 0: 3 } }, { t: [1] }), false),
  );
  expect(second.incremental).toBe(true);
  const offsets = [...second.wanted.values()].map((w) => [w.topic, w.partition, w.fetchOffset]);
  expect(offsets).toEqual([
    ["t", 0, 9],
    ["u", 0, 3],
  ]);
});

test("a repeated or skipped epoch is refused and changes nothing", () => {
  const { sessions } = newSessions();
  const { id } = plan(sessions.resolve(request(0, 0, { t: { 0: 0 } }), false)).session!;
  plan(sessions.resolve(request(id, 1), false));
  expect(sessions.resolve(request(id, 1), false)).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
  expect(sessions.resolve(request(id, 3), false)).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
  expect(typeof sessions.resolve(request(id, 2), false)).toBe("object");
});

test("an unknown session, and a change between names and ids, are refused", () => {
  const { sessions } = newSessions();
  expect(sessions.resolve(request(77, 1), false)).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
  const { id } = plan(sessions.resolve(request(0, 0, { t: { 0: 0 } }), false)).session!;
  expect(sessions.resolve(request(id, 1), true)).toBe(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
});

test("a session is closed by its owner", () => {
  const { sessions } = newSessions();
  const { id } = plan(sessions.resolve(request(0, 0, { t: { 0: 0 } }), false)).session!;
  plan(sessions.resolve(request(id, -1, { t: { 0: 0 } }), false));
  expect(sessions.resolve(request(id, 1), false)).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
});

test("when all slots are taken only an idle session is evicted", () => {
  const { sessions, time } = newSessions();
  const open = () => plan(sessions.resolve(request(0, 0, { t: { 0: 0 } }), false)).session;
  for (let i = 0; i < MAX_SESSIONS; i++) open();
  expect(open()).toBeNull();
  time.advance(FETCH_SESSION_PROTECTED_MS);
  expect(open()).not.toBeNull();
  expect(sessions.count).toBe(MAX_SESSIONS);
});
