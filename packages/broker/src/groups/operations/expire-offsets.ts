import { ErrorCode } from "@tarpan/protocol";
import { CONSUMER_PROTOCOL_TYPE } from "../limits.ts";
import type { GroupState } from "../machine.ts";
import type { GroupLike } from "../model/group.ts";
import { type CommittedOffset, tombstone } from "../model/offset-store.ts";
import { EXPIRED_PER_STEP } from "../offset-limits.ts";
import type { Effects, GroupContext, Step } from "../operation.ts";

const DEADLINE = "offsets/expiry";

/** Looks for expired offsets every `offsets.retention.check.interval.ms`. */
export function armExpiry({ deadlines }: GroupState, { nowMs, config }: GroupContext): void {
  deadlines.set(DEADLINE, nowMs + config.offsetsRetentionCheckIntervalMs, expire);
}

/**
 * Tombstones of expired offsets (KIP-211), and of empty groups that have none left: one that never
 * had any goes at the first look, as in Kafka.
 */
const expire: Step = (state, context, effects) => {
  armExpiry(state, context);
  for (const groupId of new Set([...state.groups.keys(), ...state.offsets.groupIds()])) {
    if (effects.records.length >= EXPIRED_PER_STEP) {
      state.deadlines.set(DEADLINE, context.nowMs + 1, expire);
      return;
    }
    const group: GroupLike | undefined = state.groups.get(groupId);
    const remain = expireGroup(state, groupId, group, context, effects);
    if (!remain && group?.judgeDelete() === ErrorCode.NONE) {
      effects.records.push(...group.tombstones());
    }
  }
};

/** Whether the group has offsets left. */
function expireGroup(
  { offsets }: GroupState,
  groupId: string,
  group: GroupLike | undefined,
  { wallMs, config }: GroupContext,
  effects: Effects,
): boolean {
  const sinceMs = retainedSince(group);
  let remain = false;
  for (const [topic, partitions] of offsets.topicsOf(groupId) ?? []) {
    const kept = sinceMs === null || group?.isSubscribedTo(topic);
    for (const [partition, offset] of partitions) {
      if (!kept && isExpired(offset, sinceMs, wallMs, config.offsetsRetentionMs)) {
        effects.records.push(tombstone(groupId, topic, partition));
      } else {
        remain = true;
      }
    }
  }
  return remain;
}

/**
 * No offset's retention begins before this, nor before its commit; null while nothing expires at
 * all: in a classic group that rebalances, or whose members are no consumers, it isn't known what
 * they read.
 *
 * Kafka counts from the moment a group became empty even for what was committed later, by a tool
 * that resets offsets; here such a commit has its full time.
 */
function retainedSince(group: GroupLike | undefined): number | null {
  if (group === undefined || group.protocolType === "") return 0;
  if (group.emptySinceMs !== null) return group.emptySinceMs;
  if (group.kind === "consumer") return 0;
  return group.protocolType === CONSUMER_PROTOCOL_TYPE && group.stateName === "Stable" ? 0 : null;
}

function isExpired(
  { commitTimestamp, expireTimestamp }: CommittedOffset,
  sinceMs: number,
  wallMs: number,
  retentionMs: number,
): boolean {
  if (expireTimestamp >= 0) return wallMs >= expireTimestamp;
  return wallMs - Math.max(commitTimestamp, sinceMs) >= retentionMs;
}
