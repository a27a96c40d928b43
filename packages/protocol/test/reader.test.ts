import { describe, expect, test } from "vitest";
import {
  array,
  bytes,
  i8,
  i32,
  MAX_ELEMENTS_PER_FRAME,
  MAX_STRING_BYTES,
  offset,
  ProtocolError,
  Reader,
  record,
  recordCodec,
  string,
  Writer,
} from "../src/index.ts";

const reader = (...octets: number[]): Reader => new Reader(Uint8Array.from(octets));

describe("numbers", () => {
  test.each(["bool", "i8", "i16", "u16", "i32", "u32", "i64", "offset", "f64", "uuid"] as const)(
    "%s refuses a frame that ends inside it",
    (kind) => {
      const full = new Reader(new Uint8Array(16));
      full[kind]();
      const size = full.pos;
      for (let length = 0; length < size; length++)
        expect(() => new Reader(new Uint8Array(length))[kind]()).toThrow(ProtocolError);
    },
  );

  test("a view inside a larger buffer reads only its own bytes", () => {
    const frame = Uint8Array.from([9, 9, 0, 0, 0, 7, 9]).subarray(2, 6);
    const inside = new Reader(frame);
    expect(inside.i32()).toBe(7);
    expect(() => inside.i8()).toThrow(ProtocolError);
  });

  test("offsets are -2^53 to 2^53 - 1; values outside are read as the nearest safe integer", () => {
    const at = (value: bigint): number => {
      const octets = new Uint8Array(8);
      new DataView(octets.buffer).setBigInt64(0, value);
      return new Reader(octets).offset();
    };
    for (const value of [0n, -1n, 2n ** 53n - 1n, -(2n ** 53n), 2n ** 32n, -(2n ** 32n) - 7n])
      expect(BigInt(at(value))).toBe(value);
    for (const value of [2n ** 53n, 2n ** 63n - 1n])
      expect(at(value)).toBe(Number.MAX_SAFE_INTEGER);
    for (const value of [-(2n ** 53n) - 1n, -(2n ** 63n)])
      expect(at(value)).toBe(Number.MIN_SAFE_INTEGER);
  });

  test("varints have at most 32 bits", () => {
    expect(reader(0).uvarint()).toBe(0);
    expect(reader(0x7f).uvarint()).toBe(127);
    expect(reader(0x80, 0x01).uvarint()).toBe(128);
    expect(reader(0xac, 0x02).uvarint()).toBe(300);
    expect(reader(0xff, 0xff, 0xff, 0xff, 0x0f).uvarint()).toBe(0xffffffff);
    expect(() => reader(0xff, 0xff, 0xff, 0xff, 0x10).uvarint()).toThrow(ProtocolError);
    expect(() => reader(0xff, 0xff, 0xff, 0xff, 0x80).uvarint()).toThrow(ProtocolError);
    expect(() => reader(0x80, 0x80, 0x80, 0x80).uvarint()).toThrow(ProtocolError);
    expect(() => reader(0x80).uvarint()).toThrow(ProtocolError);
    expect(() => reader().uvarint()).toThrow(ProtocolError);
  });

  test("uuids that share a cache slot keep their own strings", () => {
    // More uuids than slots, alike but for their last bytes, each read twice in a row.
    for (let i = 0; i < 3000; i++) {
      const tail = i.toString(16).padStart(4, "0");
      const octets = [
        0,
        17,
        34,
        51,
        68,
        85,
        102,
        119,
        136,
        153,
        170,
        187,
        204,
        221,
        i >> 8,
        i & 255,
      ];
      for (let twice = 0; twice < 2; twice++)
        expect(reader(...octets).uuid()).toBe(`00112233-4455-6677-8899-aabbccdd${tail}`);
    }
  });
});

describe("text", () => {
  test.each(["", "topic", "größe", "日本語", "🦔".repeat(20), "\ufeffbom", "é".repeat(12)])(
    "%j survives",
    (text) => {
      const writer = new Writer();
      writer.compactString(text);
      const back = new Reader(writer.join());
      expect(back.text(back.uvarint() - 1)).toBe(text);
      back.assertEnd();
    },
  );

  test("invalid UTF-8 becomes U+FFFD, as in Kafka", () => {
    expect(reader(0x61, 0xff, 0x62).text(3)).toBe("a\ufffdb");
  });

  test("a string that would not fit when it is written again is refused", () => {
    const text = (byte: number, length: number) => {
      return new Reader(new Uint8Array(length).fill(byte)).text(length);
    };
    const fits = Math.floor(MAX_STRING_BYTES / 3);
    const writer = new Writer();
    writer.string(text(0xff, fits));
    expect(writer.byteLength).toBe(2 + fits * 3);
    expect(() => text(0xff, fits + 1)).toThrow(/not UTF-8/);
    expect(text(0x78, MAX_STRING_BYTES)).toHaveLength(MAX_STRING_BYTES);
  });

  test.each(["é", "€", "🐎"])("%s may fill a string", (character) => {
    const longest = character.repeat(MAX_STRING_BYTES / Buffer.byteLength(character));
    const writer = new Writer();
    writer.string(longest);
    const back = new Reader(writer.join());
    expect(back.text(back.i16())).toBe(longest);
  });

  test("a string longer than an int16 length is refused", () => {
    expect(() => new Reader(new Uint8Array(40_000)).text(0x8000)).toThrow(ProtocolError);
  });
});

describe("wrong lengths", () => {
  const read = (fields: Parameters<typeof record>[0]["fields"], flexible: boolean, at: Reader) =>
    recordCodec(
      record({ key: 0, name: "Test", versions: "0", flexible: flexible ? "0+" : "none", fields }),
      0,
    ).read(at);

  test("an array beyond the frame is refused before it is allocated", () => {
    // 2^31 − 1 elements would be gigabytes; that this returns at once is the test.
    expect(() => read({ a: array(i32) }, false, reader(0x7f, 0xff, 0xff, 0xff))).toThrow(/array/);
    // Four one-byte elements fit what is left, four four-byte elements don't.
    expect(read({ a: array(i8) }, false, reader(0, 0, 0, 4, 1, 2, 3, 4))).toEqual({
      a: [1, 2, 3, 4],
    });
    expect(() => read({ a: array(i32) }, false, reader(0, 0, 0, 4, 1, 2, 3, 4))).toThrow(/array/);
  });

  test("strings and bytes beyond the frame are refused", () => {
    expect(() => read({ s: string }, false, reader(0x7f, 0xff, 1))).toThrow(ProtocolError);
    expect(() => read({ s: string }, true, reader(5, 1, 0))).toThrow(ProtocolError);
    expect(() => read({ b: bytes }, false, reader(0x7f, 0xff, 0xff, 0xff))).toThrow(ProtocolError);
  });

  test("a null that is not allowed is refused", () => {
    expect(() => read({ s: string }, false, reader(0xff, 0xff))).toThrow(ProtocolError);
    expect(() => read({ s: string }, true, reader(0, 0))).toThrow(ProtocolError);
    expect(() => read({ a: array(i8) }, false, reader(0xff, 0xff, 0xff, 0xff))).toThrow(
      ProtocolError,
    );
  });

  test("a compact length of 2^31 or more is not negative but too long", () => {
    const huge = reader(0xff, 0xff, 0xff, 0xff, 0x0f, 0);
    expect(() => read({ s: string.nullable() }, true, huge)).toThrow(ProtocolError);
  });

  test("all arrays of a frame together hold a limited number of elements", () => {
    const fields = { a: array({ b: array(i8) }) };
    const frame = (outer: number, inner: number): Reader => {
      const writer = new Writer();
      writer.i32(outer);
      for (let i = 0; i < outer; i++) writer.bytes(new Uint8Array(inner));
      return new Reader(writer.join());
    };
    const inner = MAX_ELEMENTS_PER_FRAME / 10 - 1;
    expect((read(fields, false, frame(10, inner)) as { a: unknown[] }).a).toHaveLength(10);
    expect(() => read(fields, false, frame(11, inner))).toThrow(/more array elements/);
  });

  test("tagged fields", () => {
    const fields = { a: i32.tag(0, "0+"), b: offset.tag(3, "0+") };
    const expected = { a: 0, b: 0 };
    expect(read(fields, true, reader(0))).toEqual(expected);
    // An unknown tag is skipped.
    expect(read(fields, true, reader(1, 9, 2, 0xaa, 0xbb))).toEqual(expected);
    expect(read(fields, true, reader(1, 0, 4, 0, 0, 0, 7))).toEqual({ a: 7, b: 0 });
    expect(() => read(fields, true, reader(1, 9, 3, 0xaa, 0xbb))).toThrow(ProtocolError);
    expect(() => read(fields, true, reader(2, 9, 0))).toThrow(ProtocolError);
    // The length of a known tag may be wrong: Kafka ignores it too.
    for (const length of [0, 3, 5, 127])
      expect(read(fields, true, reader(1, 0, length, 0, 0, 0, 7))).toEqual({ a: 7, b: 0 });
  });
});

test("assertEnd refuses bytes left over", () => {
  const at = reader(1, 2);
  at.i8();
  expect(at.remaining).toBe(1);
  expect(() => at.assertEnd()).toThrow(ProtocolError);
  at.i8();
  at.assertEnd();
});

test("byte fields are views of the frame", () => {
  const frame = Uint8Array.from([1, 2, 3, 4]);
  const at = new Reader(frame);
  at.i8();
  const slice = at.slice(2);
  frame[1] = 9;
  expect([...slice]).toEqual([9, 3]);
});
