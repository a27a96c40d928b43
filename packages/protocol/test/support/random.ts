/** Seeded random numbers. */
export interface Random {
  /** A whole number from 0 to below the limit. */
  below(limit: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
}

/** The seed of this run: TARPAN_SEED, or the time; printed, so that a failure can be repeated. */
export function announcedSeed(what: string): number {
  const given = process.env.TARPAN_SEED;
  const seed = given === undefined ? Date.now() % 0x7fffffff : Number(given);
  console.log(`${what}: TARPAN_SEED=${seed}`);
  return seed;
}

/** Mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x100000000;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    below,
    chance: (probability) => next() < probability,
    pick: (from) => from[below(from.length)]!,
  };
}
