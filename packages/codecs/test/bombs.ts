// Small inputs that claim to have, or really have, far more than 1 MiB when decompressed.
import { gzipSync } from "node:zlib";
import { compress } from "@tarpan/codecs";
import { storeFrame } from "../src/lz4.ts";

const MIB = 1024 * 1024;

export interface Bomb {
  what: string;
  codec: number;
  bytes(): Uint8Array;
  error: "limit" | "malformed";
}

/** storeFrame's header, then `blocks`, and the end mark. */
export function lz4Frame(blocks: Uint8Array[]): Uint8Array {
  return Buffer.concat([storeFrame(new Uint8Array(0)).subarray(0, 7), ...blocks, Buffer.alloc(4)]);
}

/** One literal, then a match of `length` bytes, then the last literals. */
export function lz4Block(length: number): Uint8Array {
  const more = Buffer.alloc(Math.floor(length / 255) + 1, 255);
  more[more.length - 1] = 0;
  const body = Buffer.concat([Buffer.from([0x1f, 0, 1, 0]), more, Buffer.from([0x10, 0])]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(body.length);
  return Buffer.concat([size, body]);
}

/** A zstd frame without content size: window of 128 KiB, then `blocks`. */
function zstdFrame(blocks: Uint8Array[]): Uint8Array {
  return Buffer.concat([Buffer.from("28b52ffd0038", "hex"), ...blocks, Buffer.from([1, 0, 0])]);
}

/** A run of 128 KiB in four bytes. */
const zstdRun = Buffer.from([0x02, 0x00, 0x10, 0x00]);

export const BOMBS: readonly Bomb[] = [
  {
    what: "gzip of 100 MiB",
    codec: 1,
    bytes: () => gzipSync(Buffer.alloc(100 * MIB)),
    error: "limit",
  },
  {
    what: "snappy that claims 4 GiB in six bytes",
    codec: 2,
    bytes: () => Buffer.from("ffffffff0f00", "hex"),
    error: "malformed",
  },
  {
    what: "snappy of 20 MiB",
    codec: 2,
    bytes: () => compress(2, Buffer.alloc(20 * MIB)),
    error: "limit",
  },
  {
    what: "lz4 of 100 MiB in 25 blocks",
    codec: 3,
    bytes: () => lz4Frame(Array.from({ length: 25 }, () => lz4Block(4 * MIB - 1000))),
    error: "limit",
  },
  {
    what: "lz4 with a block beyond its limit",
    codec: 3,
    bytes: () => lz4Frame([lz4Block(255 * 100_000)]),
    error: "limit",
  },
  {
    what: "zstd that promises 100 MiB and keeps it",
    codec: 4,
    bytes: () => compress(4, Buffer.alloc(100 * MIB)),
    error: "limit",
  },
  {
    what: "zstd without a promise, 1000 runs of 128 KiB",
    codec: 4,
    bytes: () => zstdFrame(Array.from({ length: 1000 }, () => zstdRun)),
    error: "limit",
  },
  {
    what: "zstd that promises 1 MiB with no blocks to match",
    codec: 4,
    bytes: () => Buffer.from("28b52ffda000001000010000", "hex"),
    error: "malformed",
  },
  {
    what: "lz4 of 100,000 blocks of one byte",
    codec: 3,
    bytes: () => lz4Frame(Array(100_000).fill(Buffer.from("0100008061", "hex"))),
    error: "malformed",
  },
  {
    what: "zstd of 100,000 frames of nothing",
    codec: 4,
    bytes: () => Buffer.concat(Array(100_000).fill(compress(4, new Uint8Array(0)))),
    error: "malformed",
  },
];
