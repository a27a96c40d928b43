import { describe, expect, test } from "vitest";
import { FrameReader } from "../../src/server/frame-reader.ts";
import { CHUNK_BYTES, LARGE_FRAME_BYTES, SERVER_LIMITS } from "../../src/server/limits.ts";
import { RefusedRequest } from "../../src/server/refused-request.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";

const { maxFrameBytes: MAX_FRAME_BYTES } = SERVER_LIMITS;

function framed(...bodies: Uint8Array[]): Buffer {
  return Buffer.concat(
    bodies.flatMap((body) => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(body.length);
      return [length, body];
    }),
  );
}

function allFrames(reader: FrameReader): Buffer[] {
  const frames: Buffer[] = [];
  for (let next = reader.next(); next !== null; next = reader.next())
    frames.push(Buffer.from(next));
  return frames;
}

/** As toEqual, which takes seconds over megabytes of Buffers. */
function expectSame(found: Buffer[], sent: Buffer[]): void {
  expect(found.map((frame) => frame.length)).toEqual(sent.map((frame) => frame.length));
  expect(Buffer.concat(found).equals(Buffer.concat(sent))).toBe(true);
}

describe("FrameReader", () => {
  const bodies = [Buffer.from("a"), Buffer.from("hello, world"), Buffer.alloc(300, 7)];
  const stream = framed(...bodies);

  test("finds the frames for every split of the stream into three chunks", () => {
    for (let one = 0; one <= stream.length; one++) {
      for (let two = one; two <= stream.length; two += 1 + (one % 7)) {
        const reader = new FrameReader();
        const found: Buffer[] = [];
        for (const part of [
          stream.subarray(0, one),
          stream.subarray(one, two),
          stream.subarray(two),
        ]) {
          reader.push(part);
          found.push(...allFrames(reader));
        }
        expectSame(found, bodies);
        expect(reader.bufferedBytes).toBe(0);
      }
    }
  });

  test("finds the frames if it is first asked after the last byte", () => {
    const reader = new FrameReader();
    for (const byte of stream) reader.push(Buffer.of(byte));
    expect(reader.bufferedBytes).toBe(stream.length);
    expectSame(allFrames(reader), bodies);
  });

  test("random frames in random chunks, asked for at random times", () => {
    const random = new SeededRandom(seedOf("frame reader"));
    for (let round = 0; round < 300; round++) {
      const sent = Array.from({ length: 1 + random.below(12) }, () =>
        Buffer.alloc(1 + random.below(random.below(4) === 0 ? 40_000 : 50), random.below(256)),
      );
      const bytes = framed(...sent);
      const reader = new FrameReader();
      const found: Buffer[] = [];
      for (let at = 0; at < bytes.length; ) {
        const end = Math.min(
          bytes.length,
          at + 1 + random.below(random.below(3) === 0 ? 20_000 : 30),
        );
        reader.push(bytes.subarray(at, end));
        if (random.below(3) === 0) found.push(...allFrames(reader));
        at = end;
      }
      found.push(...allFrames(reader));
      expectSame(found, sent);
      expect(reader.bufferedBytes).toBe(0);
    }
  });

  test.each([
    ["large frames", 2 * LARGE_FRAME_BYTES, false],
    ["frames of any size when much is held", 5 * CHUNK_BYTES, true],
  ])("%s are whole, and so is what follows them", (_what, sizeBytes, crowded) => {
    const random = new SeededRandom(seedOf("large frames"));
    const sent = Array.from({ length: 6 }, (_, i) =>
      Buffer.alloc(
        i % 2 === 0 ? sizeBytes + random.below(sizeBytes) : 1 + random.below(100),
        i + 1,
      ),
    );
    const bytes = framed(...sent);
    const reader = new FrameReader(() => crowded);
    const found: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + random.below(CHUNK_BYTES);
      reader.push(bytes.subarray(at, end));
      found.push(...allFrames(reader));
      at = end;
    }
    expectSame(found, sent);
    expect(reader.bufferedBytes).toBe(0);
  });

  test("dropping half a large frame releases its memory at once", () => {
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(MAX_FRAME_BYTES);
    const reader = new FrameReader();
    reader.push(prefix);
    const chunk = Buffer.alloc(MAX_FRAME_BYTES / 100, 1);
    for (let i = 0; i < 99; i++) {
      reader.push(chunk);
      expect(reader.next()).toBeNull();
    }
    const held = process.memoryUsage.rss();
    reader.drop();
    expect(held - process.memoryUsage.rss()).toBeGreaterThan(MAX_FRAME_BYTES / 2);
  });

  test("a frame within one chunk is a view of it", () => {
    const reader = new FrameReader();
    reader.push(stream);
    expect(reader.next()!.buffer).toBe(stream.buffer);
    expect(reader.next()!.buffer).toBe(stream.buffer);
  });

  test("merging later chunks does not change returned frames", () => {
    const reader = new FrameReader();
    const chunk = Buffer.concat([
      framed(Buffer.from("first")),
      framed(Buffer.from("second")).subarray(0, 6),
    ]);
    reader.push(chunk);
    const first = reader.next()!;
    reader.push(framed(Buffer.from("second")).subarray(6));
    expect(Buffer.from(first).toString()).toBe("first");
    expect(Buffer.from(reader.next()!).toString()).toBe("second");
  });

  test.each([0, -1, -(2 ** 31), MAX_FRAME_BYTES + 1, 2 ** 31 - 1])(
    "refuses length %i",
    (length) => {
      const reader = new FrameReader();
      const prefix = Buffer.alloc(4);
      prefix.writeInt32BE(length);
      reader.push(prefix);
      expect(() => reader.next()).toThrow(RefusedRequest);
    },
  );

  test("a length prefix alone allocates no memory", () => {
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(MAX_FRAME_BYTES);
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 100 }, () => new FrameReader());
    for (const reader of readers) {
      reader.push(prefix);
      expect(reader.next()).toBeNull();
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
  });

  test("a million one-byte chunks cost little more than a megabyte", () => {
    const reader = new FrameReader();
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(1_000_000);
    reader.push(prefix);
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 999_999; i++) reader.push(Buffer.from([i & 255]));
    expect(reader.next()).toBeNull();
    reader.push(Buffer.of(63));
    const frame = reader.next()!;
    expect(frame.length).toBe(1_000_000);
    expect(frame.every((byte, i) => byte === (i & 255))).toBe(true);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200_000_000);
  });
});
