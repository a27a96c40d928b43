/** `npm run chaos` runs the long forms of the tests. */
export const isLong = process.env.TARPAN_CHAOS === "1";

/** How often each fault is repeated. */
export const ROUNDS = Number(process.env.TARPAN_CHAOS_ROUNDS ?? (isLong ? 3 : 1));

/** How long a node is paused or cut off: longer than the engine takes to elect another leader. */
export const AWAY_MS = isLong ? 30_000 : 12_000;

/** The time limit of a test with this many rounds. */
export function limitMs(rounds = ROUNDS): number {
  return 120_000 + rounds * (60_000 + AWAY_MS);
}
