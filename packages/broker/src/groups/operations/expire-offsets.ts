import { ErrorCode } from "@tarpan/protocol";
import { CONSUMER_PROTOCOL_TYPE, EXPIRED_PER_TURN } from "../limits.ts";
import type { CommittedOffset } from "../model/committed-offset.ts";
import type { GroupLike } from "../model/group.ts";
import { tombstone } from "../model/offset-store.ts";
import { OFFSET_EXPIRY } from "../model/timers.ts";
import type { GroupTurn } from "../turn.ts";
import { forgetIdleProducers } from "./forget-producers.ts";

/** Arms the next check for expired offsets: every `offsets.retention.check.interval.ms`. */
export function armExpiry(turn: GroupTurn): void {
  turn.arm(OFFSET_EXPIRY, turn.config.offsetsRetentionCheckIntervalMs);
}

/**
 * Deletes expired offsets (KIP-211), and empty groups without offsets. An empty group that never
 * had offsets is deleted by the first check, as in Kafka.
 */
export function expireOffsets(turn: GroupTurn): void {
  const { groups, offsets } = turn.state;
  armExpiry(turn);
  forgetIdleProducers(turn);
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

/**
 * Deletes expired offsets of the group, but none that a transaction may still change. Returns if
 * the group has offsets left, also pending ones.
 */
function expireGroup(turn: GroupTurn, groupId: string, group: GroupLike | undefined): boolean {
  const { wallMs, config } = turn;
  const sinceMs = retentionStartMs(group);
  const age = { wallMs, sinceMs, jumpedMs: turn.jumps.lastMs() };
  const { offsets } = turn.state;
  const { pending } = offsets;
  let remain = pending.hasGroup(groupId);
  for (const [topic, partitions] of offsets.topicsOf(groupId) ?? []) {
    const kept = sinceMs === null || group?.isSubscribedTo(topic);
    for (const [partition, offset] of partitions) {
      const isDue = !kept && isExpired(offset, age, config.offsetsRetentionMs);
      if (isDue && !pending.has(groupId, topic, partition)) {
        turn.append(tombstone(groupId, topic, partition));
      } else {
        remain = true;
      }
    }
  }
  return remain;
}

/**
 * Wall ms: an offset's retention begins at its commit, but not before this. Null when no offset
 * expires: the subscriptions of a classic group are unknown while it rebalances, or when its
 * members are not consumers.
 *
 * In Kafka the retention begins when the group became empty, even for offsets that a tool reset
 * later; here such offsets have the full retention.
 */
function retentionStartMs(group: GroupLike | undefined): number | null {
  if (group === undefined || group.protocolType === "") return 0;
  if (group.emptySinceMs !== null) return group.emptySinceMs;
  if (group.kind === "consumer") return 0;
  return group.protocolType === CONSUMER_PROTOCOL_TYPE && group.stateName === "Stable" ? 0 : null;
}

/** After a jump of the wall clock each offset has its full retention again. */
function isExpired(
  { commitTimestamp, expireTimestamp }: CommittedOffset,
  { wallMs, sinceMs, jumpedMs }: { wallMs: number; sinceMs: number | null; jumpedMs: number },
  retentionMs: number,
): boolean {
  if (expireTimestamp >= 0) {
    return wallMs >= Math.max(expireTimestamp, jumpedMs + expireTimestamp - commitTimestamp);
  }
  return wallMs - Math.max(commitTimestamp, sinceMs ?? 0, jumpedMs) >= retentionMs;
}
