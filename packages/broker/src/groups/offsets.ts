import type { GroupRecord } from "@tarpan/protocol";
import type { GroupState } from "./machine.ts";
import type { Step } from "./operation.ts";
import { armExpiry } from "./operations/expire-offsets.ts";
import { forgetDeletedTopics } from "./operations/forget-topics.ts";

export { OffsetStore } from "./model/offset-store.ts";
export { commitOffsets, refuseCommit } from "./operations/commit-offsets.ts";
export { deleteOffsets } from "./operations/delete-offsets.ts";
export { fetchOffsets, type GroupOffsets, type WantedOffsets } from "./operations/fetch-offsets.ts";
export { topicsDeleted } from "./operations/forget-topics.ts";

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
