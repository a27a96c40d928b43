import { describe, expect, test } from "vitest";
import { Writer } from "../src/index.ts";
import { REFERENCE_MIN_BYTES } from "../src/limits.ts";
import { announcedSeed, seededRandom } from "./support/random.ts";
import { randomBytes } from "./support/values.ts";

function octets(write: (writer: Writer) => void): number[] {
  const writer = new Writer();
  write(writer);
  return [...writer.join()];
}

describe("values out of range throw", () => {
  const cases: [string, (w: Writer) => void][] = [
    ["i8", (w) => w.i8(128)],
    ["i16", (w) => w.i16(-32769)],
    ["u16", (w) => w.u16(-1)],
    ["i32", (w) => w.i32(2 ** 31)],
    ["u32", (w) => w.u32(-1)],
    ["a fraction", (w) => w.i32(1.5)],
    ["nothing", (w) => w.i32(undefined as unknown as number)],
    ["i64", (w) => w.i64(2n ** 63n)],
    ["offset above", (w) => w.offset(2 ** 53)],
    ["offset below", (w) => w.offset(-(2 ** 53) - 2)],
    ["offset NaN", (w) => w.offset(Number.NaN)],
    ["offset fraction", (w) => w.offset(0.5)],
    ["uvarint", (w) => w.uvarint(-1)],
    ["long string", (w) => w.string("x".repeat(32768))],
    ["long compact string", (w) => w.compactString("é".repeat(16384))],
    ["short uuid", (w) => w.uuid("01234567")],
    ["long uuid", (w) => w.uuid(`${"0".repeat(32)}-0`)],
    ["no uuid", (w) => w.uuid(`${"0".repeat(31)}g`)],
    ["no uuid either", (w) => w.uuid(`${"0".repeat(31)}/`)],
  ];
  test.each(cases)("%s", (_, write) => {
    expect(() => octets(write)).toThrow(RangeError);
  });
});

test("encodes values as the protocol demands", () => {
  expect(octets((w) => w.offset(-1))).toEqual([255, 255, 255, 255, 255, 255, 255, 255]);
  expect(octets((w) => w.offset(2 ** 53 - 1))).toEqual([0, 31, 255, 255, 255, 255, 255, 255]);
  expect(octets((w) => w.offset(-(2 ** 53)))).toEqual([255, 224, 0, 0, 0, 0, 0, 0]);
  expect(octets((w) => w.string("né"))).toEqual([0, 3, 0x6e, 0xc3, 0xa9]);
  expect(octets((w) => w.compactString("né"))).toEqual([4, 0x6e, 0xc3, 0xa9]);
  expect(octets((w) => w.uvarint(0xffffffff))).toEqual([255, 255, 255, 255, 15]);
  expect(octets((w) => w.uuid("00112233-4455-6677-8899-AABBCCDDEEFF"))).toEqual(
    Array.from({ length: 16 }, (_, i) => i * 17),
  );
});

test.each([126, 127, 128, 16382, 16383, 16384])("a part of %i bytes gets its length", (length) => {
  const part = octets((w) => {
    w.i8(7);
    const mark = w.mark();
    for (let i = 0; i < length; i++) w.i8(i % 100);
    w.settle(mark);
    w.i8(8);
  });
  const prefix =
    length < 128 ? [length] : length < 16384 ? [(length & 127) | 128, length >> 7] : [128, 128, 1];
  const body = Array.from({ length }, (_, i) => i % 100);
  expect(part).toEqual([7, ...prefix, ...body, 8]);
});

test("long byte fields are referenced, short ones copied", () => {
  const long = new Uint8Array(REFERENCE_MIN_BYTES).fill(1);
  const short = new Uint8Array(REFERENCE_MIN_BYTES - 1).fill(2);
  const writer = new Writer();
  writer.records([long, short, long]);
  writer.i8(3);
  const total = 4 + 2 * long.byteLength + short.byteLength + 1;
  expect(writer.byteLength).toBe(total);
  const chunks = writer.finish();
  expect(chunks.map((chunk) => chunk.byteLength)).toEqual([4, 1024, 1023, 1024, 1]);
  expect(chunks[1]).toBe(long);
  expect(chunks[3]).toBe(long);
  expect(writer.byteLength).toBe(total);
  expect([...chunks[0]!]).toEqual([0, 0, 0x0b, 0xff]);
});

test("slices that follow each other in memory are one chunk", () => {
  const memory = Uint8Array.from({ length: 3 * REFERENCE_MIN_BYTES }, (_, i) => i % 251);
  const part = (from: number, to: number) =>
    memory.subarray(from * REFERENCE_MIN_BYTES, to * REFERENCE_MIN_BYTES);
  const slicesOf = (slices: Uint8Array[]) => {
    const writer = new Writer();
    writer.records(slices);
    return writer.finish().slice(1);
  };
  expect(slicesOf([part(0, 1), part(1, 2), part(2, 3)])).toEqual([memory]);
  expect(slicesOf([part(0, 1), part(2, 3)])).toEqual([part(0, 1), part(2, 3)]);
  expect(slicesOf([part(1, 2), part(0, 1)])).toEqual([part(1, 2), part(0, 1)]);
  const other = memory.slice(REFERENCE_MIN_BYTES);
  expect(slicesOf([part(0, 1), other])).toEqual([part(0, 1), other]);
});

test("a long field inside a marked part is copied, because the part may move", () => {
  const long = new Uint8Array(2000).fill(5);
  const writer = new Writer();
  const mark = writer.mark();
  writer.raw(long);
  writer.settle(mark);
  const chunks = writer.finish();
  expect(chunks).toHaveLength(1);
  expect([...chunks[0]!]).toEqual([0xd0, 0x0f, ...long]);
});

test("concurrent writers do not overwrite each other's bytes", () => {
  const random = seededRandom(announcedSeed("interleaved writers"));
  const open: { writer: Writer; expected: number[] }[] = [];
  const done: { chunks: Uint8Array[]; expected: number[] }[] = [];
  for (let step = 0; step < 3000; step++) {
    if (open.length === 0 || (open.length < 6 && random.chance(0.2)))
      open.push({ writer: new Writer(), expected: [] });
    const at = random.below(open.length);
    const { writer, expected } = open[at]!;
    if (random.chance(0.15)) {
      done.push({ chunks: writer.finish(), expected });
      open.splice(at, 1);
      continue;
    }
    const part = randomBytes(random.pick([1, 30, 400, 1023, 1500, 5000]), random);
    if (random.chance(0.5)) {
      for (const octet of part) writer.u16(octet * 257);
      expected.push(...[...part].flatMap((octet) => [octet, octet]));
    } else {
      writer.raw(part);
      expected.push(...part);
    }
  }
  expect(done.length).toBeGreaterThan(100);
  for (const { chunks, expected } of done)
    expect(Buffer.compare(Buffer.concat(chunks), Buffer.from(expected))).toBe(0);
});
