import type { GroupRecord } from "@tarpan/protocol";
import type { Step } from "../operation.ts";
import type { GroupState } from "../state.ts";

export interface ClassicGroup {
  readonly kind: "classic";
  readonly groupId: string;
}

export function applyGroupMetadata(
  _state: GroupState,
  _record: Extract<GroupRecord, { record: "GroupMetadata" }>,
): void {}

export function snapshotClassicGroups(_state: GroupState): GroupRecord[] {
  return [];
}

export const classicLoaded: Step = () => {};
