import type { GroupRecord } from "@tarpan/protocol";
import type { Step } from "../operation.ts";
import type { GroupState } from "../state.ts";

export interface ConsumerGroup {
  readonly kind: "consumer";
  readonly groupId: string;
}

export function applyConsumerRecord(_state: GroupState, _record: GroupRecord): void {}

export function snapshotConsumerGroups(_state: GroupState): GroupRecord[] {
  return [];
}

export const consumerLoaded: Step = () => {};

/** Topics that groups may be subscribed to came, went or grew. */
export function topicsChanged(_topics: readonly string[]): Step {
  return () => {};
}
