import type { GroupRecord } from "@tarpan/protocol";
import type { GroupState } from "../../machine.ts";
import { ConsumerGroup } from "./consumer-group.ts";
import type { ConsumerRecord } from "./records.ts";

export {
  heartbeatConsumerGroup,
  joinConsumerGroup,
  leaveConsumerGroup,
  syncConsumerGroup,
} from "../../migration/classic-members.ts";
export { describeConsumerGroup, undescribed } from "../../operations/consumer-describe.ts";
export { consumerHeartbeat, type HeartbeatAnswer } from "../../operations/consumer-heartbeat.ts";
export { consumerLoaded, topicsChanged } from "../../operations/follow-topics.ts";
export { ConsumerGroup } from "./consumer-group.ts";
export { refused } from "./requests.ts";

/** The only writer of a consumer group's hard state. */
export function applyConsumerRecord(state: GroupState, record: ConsumerRecord): void {
  const { groupId } = record.key;
  const known = state.groups.get(groupId);
  if (known?.kind === "consumer") {
    const removed = record.record === "ConsumerGroupMetadata" && record.value === null;
    if (removed) state.groups.delete(groupId);
    else known.apply(record);
    return;
  }
  // A tombstone of a group that is gone, or that has become a classic one.
  if (record.value === null) return;
  const group = new ConsumerGroup(groupId);
  group.apply(record);
  state.groups.set(groupId, group);
}

export function snapshotConsumerGroups(state: GroupState): GroupRecord[] {
  const records: GroupRecord[] = [];
  for (const group of state.groups.values()) {
    if (group.kind === "consumer") records.push(...group.snapshot());
  }
  return records;
}
