import type { GroupValue } from "@tarpan/protocol";

/** The value of the record: `apply` keeps it and makes no copy. */
export type CommittedOffset = GroupValue<"OffsetCommit">;
