import { ErrorCode } from "@tarpan/protocol";
import { CONSUMER_PROTOCOL_TYPE, EXPIRED_PER_TURN } from "../limits.ts";
import type { GroupLike } from "../model/group.ts";
import { type CommittedOffset, tombstone } from "../model/offset-store.ts";
import { OFFSET_EXPIRY } from "../model/timers.ts";
import type { GroupTurn } from "../turn.ts";

/** Looks for expired offsets every `offsets.retention.check.interval.ms`. */
export function armExpiry(turn: GroupTurn): void {
  turn.arm(OFFSET_EXPIRY, turn.config.offsetsRetentionCheckIntervalMs);
}

/**
 * Tombstones of expired offsets (KIP-211), and of empty groups that have none left: one that never
 * had any goes at the first look, as in Kafka.
 */
export function expireOffsets(turn: GroupTurn): void {
  const { groups, offsets } = turn.state;
  armExpiry(turn);
  for (const groupId of new Set([...groups.keys(), ...offsets.groupIds()])) {
    if (turn.records.length >= EXPIRED_PER_TURN) {
      turn.arm(OFFSET_EXPIRY, 1);
      return;
    }
    const group: GroupLike | undefined = groups.get(groupId);
    const remain = expireGroup(turn, groupId, group);
    if (!remain && group?.validateDelete() === ErrorCode.NONE) turn.appendAll(group.tombstones());
  }
}

/** Whether the group has offsets left. */
function expireGroup(turn: GroupTurn, groupId: string, group: GroupLike | undefined): boolean {
  const { wallMs, config } = turn;
  const sinceMs = retainedSince(group);
  let remain = false;
  for (const [topic, partitions] of turn.state.offsets.topicsOf(groupId) ?? []) {
    const kept = sinceMs === null || group?.isSubscribedTo(topic);
    for (const [partition, offset] of partitions) {
      if (!kept && isExpired(offset, sinceMs, wallMs, config.offsetsRetentionMs)) {
        turn.append(tombstone(groupId, topic, partition));
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
