const LEAST_LIKENESS = 0.49;

/** The known name that `name` was most likely meant to be, null when none is near. */
export function nearestName(name: string, known: Iterable<string>): string | null {
  let best: string | null = null;
  let bestLikeness = LEAST_LIKENESS;
  for (const candidate of known) {
    const alike = likeness(name, candidate);
    if (alike > bestLikeness) [best, bestLikeness] = [candidate, alike];
  }
  return best;
}

/** Dice's coefficient over pairs of letters: 1 for the same, 0 for nothing in common. */
function likeness(a: string, b: string): number {
  const pairsOf = (text: string) => {
    const padded = ` ${text.toLowerCase().replace(/[-_]/g, "")} `;
    return Array.from({ length: padded.length - 1 }, (_, i) => padded.slice(i, i + 2));
  };
  const left = pairsOf(a);
  const right = pairsOf(b);
  let shared = 0;
  for (const pair of left) {
    const at = right.indexOf(pair);
    if (at < 0) continue;
    right.splice(at, 1);
    shared++;
  }
  return (2 * shared) / (left.length + right.length + shared);
}
