import type { SeededRandom } from "../harness/random.ts";

const LENGTH_BYTES = 4;
/** Lengths and counts that break code which trusts them. */
const BAD_LENGTHS = [-1, -2, 0, 1, 0x7f, 0x80, 0x7fff, 0xffff, 0x7fffffff, -0x80000000, 0x05000000];

/** Damages a frame (with its length prefix) in one of several ways. */
export function mutate(frame: Buffer, other: Buffer, random: SeededRandom): Buffer {
  const body = random.pick(MUTATIONS)(frame.subarray(LENGTH_BYTES), other, random);
  const mutated = Buffer.alloc(LENGTH_BYTES + body.length);
  // Rarely changes the frame's own length: after that, no later frame can be decoded.
  mutated.writeInt32BE(random.chance(50) ? random.pick(BAD_LENGTHS) : body.length, 0);
  body.copy(mutated, LENGTH_BYTES);
  return mutated;
}

type Mutation = (body: Buffer, other: Buffer, random: SeededRandom) => Buffer;

/** Damage after which a request can still be decoded is more frequent: it gets furthest. */
const MUTATIONS: readonly Mutation[] = [
  flipBits,
  flipBits,
  flipBits,
  flipBits,
  overwriteNumber,
  truncate,
  extend,
  overwriteNumber,
  overwriteNumber,
  splice,
  repeat,
  drop,
];

function flipBits(body: Buffer, _other: Buffer, random: SeededRandom): Buffer {
  const mutated = Buffer.from(body);
  for (let left = 1 + random.below(4); left > 0 && mutated.length > 0; left--) {
    const at = random.below(mutated.length);
    mutated[at] = mutated[at]! ^ (1 << random.below(8));
  }
  return mutated;
}

function truncate(body: Buffer, _other: Buffer, random: SeededRandom): Buffer {
  return body.subarray(0, random.below(body.length + 1));
}

function extend(body: Buffer, _other: Buffer, random: SeededRandom): Buffer {
  return Buffer.concat([body, random.bytes(1 + random.below(20))]);
}

function overwriteNumber(body: Buffer, _other: Buffer, random: SeededRandom): Buffer {
  const mutated = Buffer.from(body);
  const value = random.pick(BAD_LENGTHS);
  const width = random.pick([1, 2, 4]);
  if (mutated.length < width) return mutated;
  const at = random.below(mutated.length - width + 1);
  if (width === 1) mutated.writeUInt8(value & 0xff, at);
  else if (width === 2) mutated.writeUInt16BE(value & 0xffff, at);
  else mutated.writeInt32BE(value, at);
  return mutated;
}

function splice(body: Buffer, other: Buffer, random: SeededRandom): Buffer {
  const from = other.subarray(Math.min(LENGTH_BYTES + random.below(other.length), other.length));
  return Buffer.concat([body.subarray(0, random.below(body.length + 1)), from]);
}

function repeat(body: Buffer, _other: Buffer, random: SeededRandom): Buffer {
  const start = random.below(body.length + 1);
  const end = Math.min(body.length, start + random.below(30));
  const part = body.subarray(start, end);
  const parts = Array.from({ length: 1 + random.below(20) }, () => part);
  return Buffer.concat([body.subarray(0, end), ...parts, body.subarray(end)]);
}

function drop(body: Buffer, _other: Buffer, random: SeededRandom): Buffer {
  const start = random.below(body.length + 1);
  return Buffer.concat([body.subarray(0, start), body.subarray(start + 1 + random.below(8))]);
}
