import type { GroupRecord } from "@tarpan/protocol";
import { Deadlines } from "./deadlines.ts";
import type { ClassicGroup } from "./model/classic/index.ts";
import { applyGroupMetadata, classicLoaded, snapshotClassicGroups } from "./model/classic/index.ts";
import type { ConsumerGroup } from "./model/consumer/index.ts";
import {
  applyConsumerRecord,
  consumerLoaded,
  snapshotConsumerGroups,
} from "./model/consumer/index.ts";
import { applyOffsetCommit, OffsetStore, offsetsLoaded, snapshotOffsets } from "./offsets.ts";
import type { Step } from "./operation.ts";

/** By `kind`; both kinds share one name space (KIP-848). */
export type Group = ClassicGroup | ConsumerGroup;

/** All that one partition of `__consumer_offsets` is the log of, and the soft state beside it. */
export class GroupState {
  readonly groups = new Map<string, Group>();
  readonly offsets = new OffsetStore();
  readonly deadlines = new Deadlines();
}

/** The only writer of hard state: live, on replay, and on a broker that takes over. */
export function applyGroupRecord(state: GroupState, record: GroupRecord): void {
  switch (record.record) {
    case "OffsetCommit":
      applyOffsetCommit(state, record);
      break;
    case "GroupMetadata":
      applyGroupMetadata(state, record);
      break;
    default:
      applyConsumerRecord(state, record);
      break;
  }
}

/** Records that make the hard state again. */
export function snapshotGroups(state: GroupState): GroupRecord[] {
  return [
    ...snapshotClassicGroups(state),
    ...snapshotConsumerGroups(state),
    ...snapshotOffsets(state),
  ];
}

/** To be run once after a replay: arms the deadlines. */
export const groupsLoaded: Step = (state, context, effects) => {
  classicLoaded(state, context, effects);
  consumerLoaded(state, context, effects);
  offsetsLoaded(state, context, effects);
};
