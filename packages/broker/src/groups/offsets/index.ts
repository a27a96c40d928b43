import type { GroupRecord } from "@tarpan/protocol";
import type { Step } from "../operation.ts";
import type { GroupState } from "../state.ts";

export class OffsetStore {}

export function applyOffsetCommit(
  _state: GroupState,
  _record: Extract<GroupRecord, { record: "OffsetCommit" }>,
): void {}

export function snapshotOffsets(_state: GroupState): GroupRecord[] {
  return [];
}

export const offsetsLoaded: Step = () => {};

/** The metadata no longer has these topics: what was committed for them goes. */
export function topicsDeleted(_topics: readonly string[]): Step {
  return () => {};
}
