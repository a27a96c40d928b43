/** Partitions of a topic for checks: as many members of a producer group can be asked at a time. */
export const CHECKS_PARTITIONS = 4;

/** How long a topic for checks keeps them. An older one was followed by others long ago. */
export const CHECKS_RETENTION_MS = 3_600_000;
