import { crc32c } from "@tarpan/codecs";
import { ErrorCode, encodeBatch } from "@tarpan/protocol";
import { beforeEach, expect, it } from "vitest";
import { ResourceType } from "../../src/config/kafka/set-configs.ts";
import { deliverHeld } from "../../src/handlers/deliver-held.ts";
import type { Partition } from "../../src/partition/partition.ts";
import { alterConfigs } from "../metadata/ask.ts";
import { WholeBroker } from "./whole-broker.ts";

const DAY_MS = 86_400_000;
const NEW = -1;

let whole: WholeBroker;
let topicId: string;

beforeEach(async () => {
  whole = await WholeBroker.start();
  topicId = await whole.createTopic("target", 1);
});

const partition = () => whole.broker.partitions.find("target", 0) as Partition;

async function deliver(sequence: number, doubtSinceMs: number) {
  const record = { key: null, value: Uint8Array.of(1), timestamp: whole.time.wallMs() };
  const producer = { producerId: 7, producerEpoch: 0, baseSequence: sequence, crc32c };
  const attempt = { topicId, partition: 0, batch: encodeBatch([record], producer), doubtSinceMs };
  return (await deliverHeld(attempt, whole.broker)).errorCode;
}

it("appends an attempt that is repeated once", async () => {
  const sentMs = whole.time.wallMs();
  expect(await deliver(0, NEW)).toBe(ErrorCode.NONE);
  expect(await deliver(0, sentMs)).toBe(ErrorCode.NONE);
  expect(partition().highWatermark).toBe(1);
});

it("knows a repeated attempt that the topic would refuse now", async () => {
  const sentMs = whole.time.wallMs();
  await deliver(0, NEW);
  const changes = [{ name: "max.message.bytes", operation: 0, value: "10" }];
  const resource = { type: ResourceType.topic, name: "target", replace: false, changes };
  await alterConfigs(whole.metadata, [resource]);
  expect(await deliver(0, sentMs)).toBe(ErrorCode.NONE);
  expect(await deliver(1, sentMs)).toBe(ErrorCode.MESSAGE_TOO_LARGE);
});

it("finds a repeated attempt in the log when its producer was forgotten", async () => {
  const sentMs = whole.time.wallMs();
  await deliver(0, NEW);
  await deliver(1, NEW);
  whole.time.advance(2 * DAY_MS);
  partition().forgetOld(whole.time.wallMs() - DAY_MS);
  expect(partition().producerCount).toBe(0);
  expect(await deliver(1, sentMs)).toBe(ErrorCode.NONE);
  expect(partition().highWatermark).toBe(2);
});

it("appends an old attempt that is not in the log", async () => {
  const sentMs = whole.time.wallMs();
  await deliver(0, NEW);
  whole.time.advance(2 * DAY_MS);
  partition().forgetOld(whole.time.wallMs() - DAY_MS);
  expect(await deliver(1, sentMs)).toBe(ErrorCode.NONE);
  expect(partition().highWatermark).toBe(2);
});

it("answers for a topic and a partition that are not here", async () => {
  const batch = encodeBatch([{ key: null, value: null, timestamp: 0 }]);
  const unknown = { topicId: "00000000-0000-4000-8000-000000000000", partition: 0, batch };
  const answer = await deliverHeld({ ...unknown, doubtSinceMs: NEW }, whole.broker);
  expect(answer.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
  const missing = await deliverHeld(
    { ...unknown, topicId, partition: 5, doubtSinceMs: NEW },
    whole.broker,
  );
  expect(missing.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
});
