// How far a message is on its way to a resolution, as one number: zero or more is how many checks
// were sent for one that has none. Messages that need no resolution stay at 0.

/** It is delivered as soon as possible. */
export const COMMITTED = -1;

/** It becomes a dead letter: nobody resolved it. `checks`: how many were sent. */
export function rolledBackAfter(checks: number): number {
  return -2 - checks;
}

/** How many checks were sent for a message that is neither committed nor delivered. */
export function checksOf(progress: number): number {
  return progress >= 0 ? progress : -2 - progress;
}

export function isResolved(progress: number): boolean {
  return progress < 0;
}
