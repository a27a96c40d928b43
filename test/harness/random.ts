/** Seeded random numbers (xorshift, 32 bits), so that a failure can be reproduced. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    // Similar seeds must not give similar numbers, and a state of zero would stay zero.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1;
    for (let i = 0; i < 8; i++) this.below(2);
  }

  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) % limit;
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let i = 0; i < length; i++) bytes[i] = this.below(256);
    return bytes;
  }
}

/**
 * The seed of this run: TARPAN_SEED, or a new one. It is printed to reproduce a failure.
 */
export function printedSeed(what: string): number {
  const given = process.env.TARPAN_SEED;
  const seed = given === undefined ? Math.floor(Math.random() * 0x7fffffff) : Number(given);
  console.log(`${what}: TARPAN_SEED=${seed}`);
  return seed;
}
