import { encodeBatch } from "@tarpan/protocol";
import { expect } from "vitest";
import type { Address } from "../harness/client-broker.ts";
import type { Peer } from "../harness/peers.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import {
  base64,
  batchOf,
  CODECS,
  type CodecName,
  createTopic,
  produce,
  readAll,
} from "../harness/records.ts";
import {
  ADMIN_ROUND_TRIP,
  type Ask,
  atOffsets,
  SAMPLE,
  type Sent,
  type SurveyAnswer,
} from "./peer.ts";

type It = Peer["it"];

/** Features that some clients lack. */
interface Able {
  readonly codecs?: readonly CodecName[];
  readonly sample?: readonly Sent[];
}

/** Records that the client produces are stored unchanged, in each codec. */
export function producesExactly(
  it: It,
  broker: Address,
  ask: Ask,
  { codecs = CODECS, sample = SAMPLE }: Able = {},
): void {
  for (const codec of codecs) {
    it(`produces ${codec} batches that read back exactly`, async () => {
      const connection = await RawConnection.open(broker.port);
      const topic = `produced-${codec}`;
      await createTopic(connection, topic, { partitions: 2 });
      const records = sample.map((record) => ({ partition: 1, ...record }));
      const { offsets } = await ask("produce", topic, { codec, records });
      expect(offsets).toEqual(sample.map((_, index) => index));
      const read = await readAll(connection, topic, { partition: 1 });
      expect(read.records).toEqual(atOffsets(sample));
      // A client does not compress a batch if that would make it longer.
      if (codec !== "none") expect(read.codecs).toContain(codec);
      expect((await readAll(connection, topic, { partition: 0 })).records).toEqual([]);
      connection.close();
    });
  }
}

/** The client reads the stored records, in each codec, from any offset on. */
export function consumesExactly(
  it: It,
  broker: Address,
  ask: Ask,
  { codecs = CODECS }: Able = {},
): void {
  it("consumes every codec by assignment, from the start and from within a batch", async () => {
    const connection = await RawConnection.open(broker.port);
    const topic = "consumed";
    await createTopic(connection, topic, { partitions: 3 });
    for (const codec of codecs) {
      const answer = await produce(connection, topic, batchOf(SAMPLE, codec), { partition: 2 });
      expect(answer.errorCode).toBe(0);
    }
    const stored = codecs.flatMap((_, index) => atOffsets(SAMPLE, index * SAMPLE.length));
    const all = { partition: 2, offset: 0, count: stored.length };
    expect((await ask("consume", topic, all)).records).toEqual(stored);
    const offset = SAMPLE.length + 3;
    const rest = { partition: 2, offset, count: stored.length - offset };
    expect((await ask("consume", topic, rest)).records).toEqual(stored.slice(offset));
    connection.close();
  });
}

/**
 * The client goes on where records were left out as copies: after a gap in a batch, at its end, and
 * in a batch without records.
 */
export function skipsGaps(it: It, broker: Address, ask: Ask): void {
  it("consumes past the offsets of records that were left out as copies", async () => {
    const connection = await RawConnection.open(broker.port);
    const expected = await produceWithGaps(connection, "gaps");
    for (const offset of [0, 2, 4, 5]) {
      const records = expected.filter((record) => record.offset >= offset);
      const wanted = { partition: 0, offset, count: records.length };
      expect((await ask("consume", "gaps", wanted)).records, `from ${offset}`).toEqual(records);
    }
    connection.close();
  });
}

/** Makes a topic with records at 0, 1, 3 and 7; 5 and 6 are a batch without records. */
export async function produceWithGaps(connection: RawConnection, topic: string) {
  await createTopic(connection, topic, { configs: { "tarpan.dedupe.enable": "true" } });
  const send = async (baseSequence: number, ...ids: string[]) => {
    const records = ids.map((id) => ({
      ...{ key: null, value: Buffer.from(id), timestamp: SAMPLE[0]!.timestamp },
      headers: [{ key: "tarpan-message-id", value: Buffer.from(id) }],
    }));
    const batch = encodeBatch(records, { producerId: 1, producerEpoch: 0, baseSequence });
    return Number((await produce(connection, topic, batch)).baseOffset);
  };
  const told = [
    await send(0, "a", "b"),
    await send(2, "a", "c", "b"),
    await send(5, "a", "b"),
    await send(7, "d"),
  ];
  expect(told).toEqual([0, 2, 0, 7]);
  const { records } = await readAll(connection, topic);
  const ids = records.map(({ offset, value }) => [offset, value]);
  expect(ids).toEqual([
    [0, base64("a")],
    [1, base64("b")],
    [3, base64("c")],
    [7, base64("d")],
  ]);
  return records;
}

export function findsOffsets(it: It, broker: Address, ask: Ask): void {
  it("finds the first offset, the end offset and the offset of a timestamp", async () => {
    const connection = await RawConnection.open(broker.port);
    const topic = "offsets";
    await createTopic(connection, topic);
    await produce(connection, topic, batchOf(SAMPLE));
    const sought = SAMPLE[4]!;
    const found = await ask("offsets", topic, { partition: 0, timestamp: sought.timestamp });
    expect(found).toMatchObject({ beginning: 0, end: SAMPLE.length, forTime: { offset: 4 } });
    expect(found.forTime!.timestamp ?? sought.timestamp).toBe(sought.timestamp);
    connection.close();
  });
}

export function deletesRecords(it: It, broker: Address, ask: Ask): void {
  it("deletes records before an offset", async () => {
    const connection = await RawConnection.open(broker.port);
    const topic = "trimmed";
    await createTopic(connection, topic);
    for (const record of SAMPLE) await produce(connection, topic, batchOf([record]));
    const { lowWatermark } = await ask("deleteRecords", topic, { partition: 0, offset: 3 });
    expect(lowWatermark).toBe(3);
    const found = await ask("offsets", topic, { partition: 0, timestamp: 0 });
    expect(found).toMatchObject({ beginning: 3, end: SAMPLE.length, forTime: { offset: 3 } });
    connection.close();
  });
}

export function administers(it: It, ask: Ask): void {
  it("creates, describes, alters, grows and deletes a topic", async () => {
    expect(await ask("admin", "administered", {})).toEqual(ADMIN_ROUND_TRIP);
  });
}

/**
 * librdkafka asks for all topics with extra bytes after the request's last field, and matches
 * patterns against the response. Its Node.js client needs both before it is connected.
 */
export function surveys(
  it: It,
  broker: Address,
  ask: Ask,
  protocols: readonly ("classic" | "consumer")[],
  more: Pick<SurveyAnswer, "retention" | "brokers"> = {},
): void {
  for (const protocol of protocols) {
    it(`lists and describes topics and groups, and subscribes by a pattern (${protocol})`, async () => {
      const connection = await RawConnection.open(broker.port);
      const topics = [`surveyed-${protocol}-a`, `surveyed-${protocol}-b`];
      for (const topic of topics) {
        await createTopic(connection, topic);
        for (const record of SAMPLE) await produce(connection, topic, batchOf([record]));
      }
      const group = `surveyors-${protocol}`;
      const count = topics.length * SAMPLE.length;
      const pattern = { group, protocol, count };
      expect(await ask("pattern", `^surveyed-${protocol}-.*`, pattern)).toEqual({ topics });
      expect(await ask("survey", topics[0]!, { group, offset: 3 })).toEqual({
        topicListed: true,
        groupListed: true,
        partitions: 1,
        groupState: "EMPTY",
        earliest: 0,
        latest: SAMPLE.length,
        lowWatermarkAfterDelete: 3,
        ...more,
      });
      connection.close();
    });
  }
}

/**
 * Only the committed transaction shows its record and its offset, though the records of the others
 * are stored too. `fenced` is the client's name of that error.
 */
export function transacts(it: It, broker: Address, ask: Ask, fenced: string): void {
  it("commits, aborts and fences transactions with records and offsets", async () => {
    const connection = await RawConnection.open(broker.port);
    const topic = "transacted";
    await createTopic(connection, topic);
    expect(await ask("transact", topic, {})).toEqual({
      afterCommit: 1,
      afterAbort: 1,
      fenced,
      afterFencing: 1,
      values: ["committed"],
    });
    const { records } = await readAll(connection, topic);
    const stored = records.map(({ value }) => value);
    expect(stored).toEqual(
      expect.arrayContaining(["committed", "aborted", "fenced"].map((value) => base64(value))),
    );
    connection.close();
  });
}
