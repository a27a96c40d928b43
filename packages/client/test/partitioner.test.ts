import { murmur2 } from "@tarpan/codecs";
import { describe, expect, test } from "vitest";
import {
  hashPartitioner,
  keyPartition,
  manualPartitioner,
  randomPartitioner,
  roundRobinPartitioner,
  stickyPartitioner,
} from "../src/index.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

// The results of org.apache.kafka.common.utils.Utils.murmur2.
test.each([
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
])("murmur2 of %s", (text, hash) => expect(murmur2(bytes(text))).toBe(hash));

test("bytes above 127 are unsigned in the tail", () => {
  expect(keyPartition(bytes("日本語"), 7)).toBe((murmur2(bytes("日本語")) & 0x7fffffff) % 7);
  expect(murmur2(Uint8Array.of(0xff))).not.toBe(murmur2(Uint8Array.of(0x7f)));
});

describe("partitioners", () => {
  const record = { topic: "t", value: "v" };

  test("a key always goes to the same partition, as string or as bytes", () => {
    const partition = hashPartitioner();
    const expected = keyPartition(bytes("foobar"), 10);
    expect(expected).toBe((-790332482 & 0x7fffffff) % 10);
    for (const key of ["foobar", bytes("foobar")])
      expect(partition({ ...record, key }, 10)).toBe(expected);
  });

  test("records without a key stick to one partition, then to another", () => {
    const chosen = [0.1, 0.9];
    const partition = stickyPartitioner(() => chosen.shift()!);
    const large = { topic: "t", value: new Uint8Array(10_000) };
    expect([1, 2, 3].map(() => partition(large, 10))).toEqual([1, 1, 9]);
  });

  test("round robin uses all partitions in turn, topic by topic", () => {
    const partition = roundRobinPartitioner();
    expect([1, 2, 3, 4].map(() => partition(record, 3))).toEqual([0, 1, 2, 0]);
    expect(partition({ ...record, topic: "u" }, 3)).toBe(0);
  });

  test("random stays in range", () => {
    expect(randomPartitioner(() => 0.999999)(record, 3)).toBe(2);
    expect(randomPartitioner(() => 0)(record, 3)).toBe(0);
  });

  test("manual refuses a record without a partition", () => {
    expect(() => manualPartitioner()(record, 3)).toThrow(/names no partition/);
  });
});
