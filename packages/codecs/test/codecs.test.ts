import { createHash } from "node:crypto";
import {
  CodecUnavailableError,
  compress,
  compressLater,
  crc32c,
  DecompressionError,
  DecompressionLimitError,
  decompress,
  loadCrc32c,
} from "@tarpan/codecs";
import { describe, expect, it } from "vitest";
import { printedSeed, SeededRandom } from "../../../test/harness/random.ts";
import { plainCrc32c } from "../src/crc32c.ts";
import { storeFrame } from "../src/lz4.ts";
import { decompressBlock, readPlainLength, storeBlock } from "../src/snappy-block.ts";
import { BOMBS, lz4Block, lz4Frame } from "./bombs.ts";
import { ENCODED, PLAIN_TEXT } from "./golden.ts";

const CODECS = [1, 2, 3, 4] as const;
const NAMES = ["none", "gzip", "snappy", "lz4", "zstd"];
const KIB = 1024;
const SIZES = [0, 1, 2, 59, 60, 61, 1023, 1024, 32 * KIB, 32 * KIB + 1].concat([
  64 * KIB - 1,
  64 * KIB,
  64 * KIB + 1,
  128 * KIB,
  128 * KIB + 1,
  1024 * KIB,
]);

/** Half of the bytes repeat, so that every codec finds near and far matches. */
function mixed(random: SeededRandom, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const length = Math.min(size - at, 1 + random.below(300));
    if (at > 0 && random.chance(2)) {
      const distance = 1 + random.below(Math.min(at, 70_000));
      for (let i = 0; i < length; i++) bytes[at + i] = bytes[at + i - distance]!;
    } else bytes.set(random.bytes(length), at);
    at += length;
  }
  return bytes;
}

/** The framing of snappy-java's SnappyOutputStream around these blocks. */
function xerial(blocks: Uint8Array[]): Buffer {
  const parts = [Buffer.from("82534e41505059000000000100000001", "hex")];
  for (const plain of blocks) {
    const block = compress(2, plain);
    const length = Buffer.alloc(4);
    length.writeInt32BE(block.length);
    parts.push(length, Buffer.from(block));
  }
  return Buffer.concat(parts);
}

function same(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  expect(Buffer.compare(actual, expected)).toBe(0);
}

it.each([
  ["gzip", 1, 1, 9],
  ["zstd", 4, 1, 19],
] as const)("%s has levels", async (_name, codec, low, high) => {
  const plain = mixed(new SeededRandom(7), 256 * KIB);
  const small = await compressLater(codec, plain, high);
  const fast = await compressLater(codec, plain, low);
  expect(small.length).toBeLessThan(fast.length);
  same(decompress(codec, small, plain.length), plain);
});

describe.each(CODECS)("codec %i", (codec) => {
  const random = new SeededRandom(printedSeed(`codecs, ${NAMES[codec]}`));

  it("restores its input when the limit is exact", () => {
    for (const size of SIZES) {
      for (const plain of [mixed(random, size), new Uint8Array(size)]) {
        same(decompress(codec, compress(codec, plain), size), plain);
      }
    }
  });

  it("compresses in another thread", async () => {
    const plains = SIZES.map((size) => mixed(random, size));
    const outputs = await Promise.all(plains.map((plain) => compressLater(codec, plain, 1)));
    for (const [index, plain] of plains.entries()) {
      same(decompress(codec, outputs[index]!, plain.length), plain);
    }
  });

  it("stops one byte above the limit", () => {
    for (const size of SIZES.slice(1)) {
      const compressed = compress(codec, mixed(random, size));
      expect(() => decompress(codec, compressed, size - 1)).toThrow(DecompressionLimitError);
    }
  });

  it("reads from the middle of a larger buffer", () => {
    const plain = mixed(random, 5000);
    const compressed = compress(codec, plain);
    const around = random.bytes(compressed.length + 20);
    around.set(compressed, 7);
    same(decompress(codec, around.subarray(7, 7 + compressed.length), 5000), plain);
  });

  it("refuses every truncation", () => {
    const compressed = compress(codec, mixed(random, 3000));
    for (let length = 0; length < compressed.length; length++) {
      const cut = compressed.subarray(0, length);
      expect(() => decompress(codec, cut, 3000)).toThrow(DecompressionError);
    }
  });

  it("throws only its own errors for damaged input, and keeps the limit", () => {
    const compressed = compress(codec, mixed(random, 20_000));
    const golden = ENCODED.filter((sample) => sample.codec === codec);
    const inputs = [compressed, ...golden.map((sample) => Buffer.from(sample.base64, "base64"))];
    for (let round = 0; round < 1500; round++) {
      const damaged = Uint8Array.from(random.pick(inputs));
      for (let flips = 1 + random.below(4); flips > 0; flips--) {
        damaged[random.below(damaged.length)]! ^= 1 << random.below(8);
      }
      try {
        expect(decompress(codec, damaged, 400_000).length).toBeLessThanOrEqual(400_000);
      } catch (error) {
        const known = error instanceof DecompressionError;
        if (!known && !(error instanceof DecompressionLimitError)) throw error;
      }
    }
  });

  it("throws only its own errors for random input", () => {
    for (let round = 0; round < 500; round++) {
      const noise = random.bytes(random.below(200));
      // Only snappy can accept random input: its blocks have neither magic nor checksum.
      try {
        decompress(codec, noise, 10_000);
        expect(codec).toBe(2);
      } catch (error) {
        const known = error instanceof DecompressionError;
        if (!known && !(error instanceof DecompressionLimitError)) throw error;
      }
    }
  });
});

describe("other implementations", () => {
  it.each(ENCODED)("$what", ({ codec, base64 }) => {
    const encoded = Buffer.from(base64, "base64");
    same(decompress(codec, encoded, PLAIN_TEXT.length), PLAIN_TEXT);
    expect(() => decompress(codec, encoded, PLAIN_TEXT.length - 1)).toThrow(
      DecompressionLimitError,
    );
  });

  it("snappy from librdkafka, one raw block, and concatenated xerial streams from Java", () => {
    const raw = Buffer.from(
      "\x0b\x28hello snappy".replace("hello snappy", "hello snapp"),
      "latin1",
    );
    expect(Buffer.from(decompress(2, raw, 11)).toString()).toBe("hello snapp");
    const random = new SeededRandom(printedSeed("xerial"));
    for (const sizes of [[], [1], [5000], [32 * KIB, 32 * KIB, 7]]) {
      const plain = sizes.map((size) => mixed(random, size));
      const stream = xerial(plain);
      const whole = Buffer.concat([...plain, ...plain]);
      same(decompress(2, Buffer.concat([stream, stream]), whole.length), whole);
      // From 17 on: a stream cut between two blocks, as at 16, is a valid shorter stream.
      for (let length = 17; length < Math.min(stream.length, 4000); length++) {
        const cut = stream.subarray(0, length);
        expect(() => decompress(2, cut, whole.length)).toThrow(DecompressionError);
      }
    }
  });

  it("several zstd frames, with a skippable frame between", () => {
    const skippable = Buffer.from("5a2a4d1803000000aabbcc", "hex");
    const frames = [compress(4, Buffer.from("one ")), skippable, compress(4, Buffer.from("two"))];
    expect(Buffer.from(decompress(4, Buffer.concat(frames), 7)).toString()).toBe("one two");
  });
});

describe("bombs", () => {
  it.each(BOMBS)("$what", ({ codec, bytes, error }) => {
    const limit = 1024 * KIB;
    const bomb = bytes();
    const before = process.memoryUsage.rss();
    expect(() => decompress(codec, bomb, limit)).toThrow(
      error === "limit" ? DecompressionLimitError : DecompressionError,
    );
    expect(process.memoryUsage.rss() - before).toBeLessThan(32 * limit);
  });
});

describe("matches and copies that point outside", () => {
  it.each([0, 2, 65_535])("lz4, distance %i after one byte", (distance) => {
    const block = [0x10, 65, distance & 255, distance >> 8, 0x10, 66];
    const frame = lz4Frame([Buffer.from([block.length, 0, 0, 0, ...block])]);
    expect(() => decompress(3, frame, 100)).toThrow(DecompressionError);
    frame[frame.indexOf(65) + 1] = 1;
    frame[frame.indexOf(65) + 2] = 0;
    expect(Buffer.from(decompress(3, frame, 100)).toString()).toBe("AAAAAB");
  });

  it("lz4, a block that expands beyond the frame's block size", () => {
    const frame = lz4Frame([lz4Block(4 * 1024 * KIB + 1000)]);
    expect(() => decompress(3, frame, 8 * 1024 * KIB)).toThrow(DecompressionError);
  });

  it.each([0, 2, 255])("snappy, distance %i after one byte", (distance) => {
    // A plain length of 5, the literal "A", then a copy of 4 bytes.
    const block = Buffer.from([5, 0, 65, 1, distance]);
    expect(() => decompress(2, block, 100)).toThrow(DecompressionError);
    block[4] = 1;
    expect(Buffer.from(decompress(2, block, 100)).toString()).toBe("AAAAA");
    block[0] = 4;
    expect(() => decompress(2, block, 100)).toThrow(DecompressionError);
  });
});

describe("without native libraries", () => {
  const random = new SeededRandom(printedSeed("codecs, plain"));

  it("decompresses native snappy's blocks, and native snappy reads stored blocks", () => {
    for (const size of SIZES.filter((bytes) => bytes <= 32 * KIB)) {
      const plain = mixed(random, size);
      same(decompress(2, storeBlock(plain), size), plain);
      const block = compress(2, plain);
      const { length, next } = readPlainLength(block);
      const output = new Uint8Array(length);
      decompressBlock(block, next, output);
      same(output, plain);
    }
  });

  it("stores lz4 frames", () => {
    for (const size of [...SIZES, 5 * 1024 * KIB]) {
      const plain = mixed(random, size);
      same(decompress(3, storeFrame(plain), size), plain);
    }
  });

  it("computes the same CRC32C", () => {
    const plain = plainCrc32c();
    expect(plain(Buffer.from("123456789"))).toBe(0xe3069283);
    for (const size of [0, 1, 7, 8, 100, 1000, 65_537]) {
      const bytes = random.bytes(size);
      expect(plain(bytes)).toBe(crc32c(bytes));
      expect(plain(bytes)).toBe(loadCrc32c()(bytes));
    }
  });
});

it("refuses unknown codecs", () => {
  for (const codec of [0, 5, 7, -1]) {
    expect(() => compress(codec, new Uint8Array(1))).toThrow(CodecUnavailableError);
    expect(() => decompress(codec, new Uint8Array(1), 1)).toThrow(CodecUnavailableError);
  }
});

it("has the same golden text as when the tools ran", () => {
  const digest = createHash("sha256").update(PLAIN_TEXT).digest("hex");
  expect(digest.slice(0, 16)).toBe("9b6cea053c6cf1ae");
});
