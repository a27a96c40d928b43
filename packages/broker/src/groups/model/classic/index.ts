import type { GroupRecord } from "@tarpan/protocol";
import type { GroupState } from "../../machine.ts";
import type { Step } from "../../operation.ts";
import { ClassicGroup } from "./group.ts";
import { prepareRebalance } from "./rebalance.ts";
import { type GroupMetadataRecord, recordAgain, recordedOf } from "./records.ts";
import { armSession } from "./sessions.ts";

export { describeFailed, describeGroup } from "../../operations/classic-describe.ts";
export { heartbeat } from "../../operations/classic-heartbeat.ts";
export { joinGroup } from "../../operations/classic-join.ts";
export { type LeaveAnswer, type Leaving, leaveGroup } from "../../operations/classic-leave.ts";
export { syncGroup } from "../../operations/classic-sync.ts";
export { ClassicGroup } from "./group.ts";
export type { JoinAnswer, SyncAnswer } from "./member.ts";

/** The only writer of a classic group's hard state. */
export function applyGroupMetadata(state: GroupState, record: GroupMetadataRecord): void {
  const groupId = record.key.group;
  const known = state.groups.get(groupId);
  if (record.value === null) {
    // A group that became a consumer group has lost this record, not its life.
    if (known?.kind === "classic") state.groups.delete(groupId);
    return;
  }
  const group = known?.kind === "classic" ? known : new ClassicGroup(groupId);
  group.recorded = recordedOf(record.value);
  state.groups.set(groupId, group);
}

export function snapshotClassicGroups(state: GroupState): GroupRecord[] {
  const records: GroupRecord[] = [];
  for (const group of state.groups.values()) {
    if (group.kind === "classic") records.push(recordAgain(group.groupId, group.recorded));
  }
  return records;
}

/** Members have their whole session to show that they still live. */
export const classicLoaded: Step = (state, context, effects) => {
  const turn = { state, context, effects };
  for (const group of state.groups.values()) {
    if (group.kind !== "classic") continue;
    const { live } = group;
    for (const member of live.members.values()) armSession(turn, group, member);
    // The limit was lowered: who is too many is found out when all join again.
    if (live.members.size > context.config.groupMaxSize) {
      prepareRebalance(turn, group, "group.max.size was lowered");
    }
  }
};
