/** Whole numbers below `limit`, the same ones for the same TARPAN_SEED; prints the seed. */
export function seededRandom(): (limit: number) => number {
  const seed = Number(process.env.TARPAN_SEED ?? Date.now() % 1_000_000_000);
  console.log(`TARPAN_SEED=${seed}`);
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) % limit;
  };
}
