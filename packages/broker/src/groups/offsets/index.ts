import type { GroupRecord } from "@tarpan/protocol";
import type { Step } from "../operation.ts";
import type { GroupState } from "../state.ts";
import { forgetDeletedTopics } from "./deleted-topics.ts";
import { armExpiry } from "./expiry.ts";

export { commitOffsets, refuseCommit } from "./commit.ts";
export { deleteOffsets } from "./delete.ts";
export { topicsDeleted } from "./deleted-topics.ts";
export { fetchOffsets, type GroupOffsets, type WantedOffsets } from "./fetch.ts";
export { OffsetStore } from "./offset-store.ts";

export function applyOffsetCommit(
  { offsets }: GroupState,
  record: Extract<GroupRecord, { record: "OffsetCommit" }>,
): void {
  offsets.apply(record);
}

export function snapshotOffsets({ offsets }: GroupState): GroupRecord[] {
  return offsets.records();
}

export const offsetsLoaded: Step = (state, context, effects) => {
  forgetDeletedTopics(state, context, effects);
  armExpiry(state, context);
};
