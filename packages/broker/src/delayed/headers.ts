/** Headers that only delayed messages have, in UTF-8. They are left out of what is delivered. */
export const DelayedHeader = {
  /** When to deliver, ms since the epoch. */
  deliverAt: "tarpan-deliver-at",
  /** How long after the append to deliver: a duration such as `5m`, or a level. */
  delay: "tarpan-delay",
} as const;

/** RocketMQ's delay levels, 1 to 18, as `level1` to `level18`. */
export const DELAY_LEVELS: readonly string[] = [
  ...["1s", "5s", "10s", "30s", "1m", "2m", "3m", "4m", "5m", "6m", "7m", "8m", "9m", "10m"],
  ...["20m", "30m", "1h", "2h"],
];
