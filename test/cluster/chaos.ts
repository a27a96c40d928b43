/** The long forms are for `npm run chaos`. */
export const isLong = process.env.TARPAN_CHAOS === "1";

/** How often each fault is made, one after another. */
export const ROUNDS = Number(process.env.TARPAN_CHAOS_ROUNDS ?? (isLong ? 3 : 1));

/** How long a node is paused or cut off: longer than the engine takes to elect another leader. */
export const AWAY_MS = isLong ? 30_000 : 12_000;

/** Time for a test of so many rounds. */
export function limitMs(rounds = ROUNDS): number {
  return 120_000 + rounds * (60_000 + AWAY_MS);
}
