import { readFile } from "node:fs/promises";
import { ApiVersions, decodeResponse, ErrorCode, encodeRequest, Metadata } from "@tarpan/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { useBroker } from "../harness/broker-process.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { createTopic, fetch, produce, textBatch } from "../harness/records.ts";
import { within } from "../harness/within.ts";

const broker = useBroker();
const CLOSED_WITHIN_MS = 10_000;
const MEBIBYTE = 1024 * 1024;
let beside: RawConnection;

beforeAll(async () => {
  beside = await RawConnection.open(broker.port);
  await createTopic(beside, "served");
});

afterAll(() => beside.close());

const stillServed = async () => {
  const { topics } = await beside.request(Metadata, 12, { topics: [{ name: "served" }] });
  expect(topics[0]!.errorCode).toBe(ErrorCode.NONE);
};

const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const framed = (body: Buffer) => Buffer.concat([int32(body.length), body]);
const header = { correlationId: 7, clientId: "test" };
const metadata = Buffer.concat(encodeRequest(Metadata, 1, header, { topics: [] })).subarray(4);
const metadataWith = (at: number, bytes: Buffer) => {
  const body = Buffer.from(metadata);
  bytes.copy(body, at < 0 ? body.length + at : at);
  return framed(body);
};
const int16 = (value: number) => int32(value << 16).subarray(0, 2);

const CLOSING: Readonly<Record<string, Buffer>> = {
  "a negative frame length": int32(-1),
  "the most negative frame length": int32(-0x80000000),
  "a frame over 104,857,600 bytes": int32(104_857_601),
  "an empty frame": int32(0),
  "a frame shorter than a header": framed(Buffer.from([0, 3])),
  "an unknown API key": metadataWith(0, int16(9999)),
  "a negative API key": metadataWith(0, int16(-1)),
  "an unsupported version": metadataWith(2, int16(99)),
  "a negative version": metadataWith(2, int16(-1)),
  "a body cut short": framed(metadata.subarray(0, metadata.length - 1)),
  "an array longer than the frame": metadataWith(-4, int32(0x7fffffff)),
  "a topic that would not fit into the answer, not being UTF-8": framed(
    Buffer.concat([metadata.subarray(0, -4), int32(1), int16(0x7fff), Buffer.alloc(0x7fff, 0xff)]),
  ),
  "a client id longer than the frame": metadataWith(8, int16(0x7fff)),
};

for (const [what, bytes] of Object.entries(CLOSING)) {
  it(`closes the connection for ${what}, and serves the others`, async () => {
    const before = await broker.residentBytes();
    const connection = await RawConnection.open(broker.port);
    connection.send(bytes);
    await within(CLOSED_WITHIN_MS, "closing", connection.closed);
    await expect(connection.nextFrame()).rejects.toThrow("closed");
    await stillServed();
    // No length in the frame has led to an allocation.
    expect(await broker.residentBytes()).toBeLessThan(before + 64 * MEBIBYTE);
  });
}

// Metadata v13 for all topics, as librdkafka 2.1 and later encode it: with three extra bytes at the
// end.
const LIBRDKAFKA = Buffer.from("000000190003000d00000003000772646b61666b610000000000010000", "hex");

it("ignores bytes after the last field of a request, as Kafka does", async () => {
  const connection = await RawConnection.open(broker.port);
  const garbage = Buffer.concat([metadata, Buffer.from([1])]);
  connection.send(LIBRDKAFKA, framed(garbage), framed(metadata));
  const answer = decodeResponse(Metadata, 13, await connection.nextFrame());
  expect(answer.correlationId).toBe(3);
  expect(answer.body.topics.map(({ name }) => name)).toContain("served");
  for (let count = 0; count < 2; count++) {
    expect((await connection.nextFrame()).readInt32BE(0)).toBe(header.correlationId);
  }
  connection.close();
});

it("answers the requests before a bad frame, then closes the connection", async () => {
  const connection = await RawConnection.open(broker.port);
  connection.send(framed(metadata), int32(-1));
  expect((await connection.nextFrame()).readInt32BE(0)).toBe(header.correlationId);
  await within(CLOSED_WITHIN_MS, "closing", connection.closed);
});

it("answers ApiVersions of an unknown version as version 0, with 35 and the list", async () => {
  const connection = await RawConnection.open(broker.port);
  const known = await connection.request(ApiVersions, 0, {});
  const body = Buffer.from([0, 18, 0, 99, 0, 0, 0, 7, 0, 1, 65, 0, 1, 2, 3]);
  connection.send(framed(body));
  const frame = await connection.nextFrame();
  expect(frame.readInt32BE(0)).toBe(7);
  expect(frame.readInt16BE(4)).toBe(ErrorCode.UNSUPPORTED_VERSION);
  expect(frame.readInt32BE(6)).toBe(known.apiKeys.length);
  connection.close();
});

it("serves others while 10,000 connections hold half a frame each", async (context) => {
  const COUNT = 10_000;
  if ((await openFilesLimit()) < COUNT * 1.2) context.skip("the limit of open files is too low");
  const slow: RawConnection[] = [];
  while (slow.length < COUNT) {
    const opening = Array.from({ length: 500 }, () => RawConnection.open(broker.port));
    slow.push(...(await Promise.all(opening)));
  }
  for (const connection of slow) connection.send(int32(1_000_000), Buffer.alloc(100));
  await stillServed();
  expect(await broker.residentBytes()).toBeLessThan(400 * MEBIBYTE);
  for (const connection of slow) connection.reset();
  await stillServed();
});

/** The hard limit, to which Node raises its own. */
async function openFilesLimit(): Promise<number> {
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  return Number(/Max open files\s+\d+\s+(\d+)/.exec(limits)?.[1] ?? 0);
}

it("answers 100,000 pipelined requests on one socket, in order and in bounded memory", async () => {
  const connection = await RawConnection.open(broker.port);
  const COUNT = 100_000;
  const frames = Array.from({ length: COUNT }, (_, correlationId) =>
    Buffer.concat(encodeRequest(ApiVersions, 0, { correlationId, clientId: null }, {})),
  );
  connection.send(Buffer.concat(frames));
  await stillServed();
  for (let expected = 0; expected < COUNT; expected++) {
    const frame = await connection.nextFrame();
    if (frame.readInt32BE(0) !== expected) throw new Error(`answer out of order at ${expected}`);
  }
  expect(await broker.residentBytes()).toBeLessThan(400 * MEBIBYTE);
  connection.close();
});

it("bounds the memory for a consumer that sends many fetches and reads no response", async () => {
  const value = "x".repeat(900_000);
  for (let count = 0; count < 4; count++) await produce(beside, "served", textBatch(value));
  const lazy = await RawConnection.open(broker.port);
  lazy.pause();
  // Each response has 3.6 MB, all of them together 1.8 GB.
  for (let count = 0; count < 500; count++) void fetch(lazy, "served", 0).catch(() => {});
  await stillServed();
  expect((await fetch(beside, "served", 0)).errorCode).toBe(ErrorCode.NONE);
  expect(await broker.residentBytes()).toBeLessThan(400 * MEBIBYTE);
  lazy.reset();
});
