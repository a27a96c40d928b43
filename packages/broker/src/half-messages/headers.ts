/** Headers of half messages and of their resolutions, in UTF-8. */
export const HalfHeader = {
  /** Who is asked. An id belongs to its group. */
  group: "tarpan-producer-group",
  /** `commit` or `rollback`: the record is no message, it resolves one. */
  resolution: "tarpan-resolution",
} as const;

/** Headers of the broker, on a half message that was written again at the end of its log. */
export const MovedHeader = {
  /** See held/progress.ts. */
  progress: "tarpan-moved-progress",
  /** When it is looked at next, ms since the epoch. */
  next: "tarpan-moved-next",
} as const;

/** Headers of a check, beside those of its half message. */
export const CheckHeader = {
  /** Which check this is, from 1 on. */
  number: "tarpan-check",
  /** How many will follow. */
  left: "tarpan-checks-left",
  /** The partition of `__half_messages` that the resolution has to be produced to. */
  partition: "tarpan-half-partition",
} as const;
