import { decodeGroupRecord, encodeGroupRecord, type GroupRecord } from "@tarpan/protocol";
import type { CoordinatorMachine } from "../coordinator/machine.ts";
import type { GroupLog } from "./group-log.ts";
import { ClassicGroup } from "./model/classic/group.ts";
import {
  completeJoin,
  endInitialDelay,
  endSyncWait,
  expireSession,
  prepareRebalance,
} from "./model/classic/rebalance.ts";
import { recordedOf } from "./model/classic/recorded-group.ts";
import { type GroupMetadataRecord, snapshotRecord } from "./model/classic/records.ts";
import { armSession } from "./model/classic/sessions.ts";
import { ConsumerGroup } from "./model/consumer/consumer-group.ts";
import type { ConsumerRecord } from "./model/consumer/records.ts";
import { GroupState } from "./model/state.ts";
import type { GroupTimer } from "./model/timers.ts";
import { expireMember } from "./operations/expire-member.ts";
import { armExpiry, expireOffsets } from "./operations/expire-offsets.ts";
import { consumersLoaded, followTopics } from "./operations/follow-topics.ts";
import { forgetDeletedTopics, forgetTopics } from "./operations/forget-topics.ts";
import type { GroupTurn } from "./turn.ts";

/** One partition of `__consumer_offsets`: its groups of either protocol, and their offsets. */
export function groupMachine(
  log: GroupLog,
): CoordinatorMachine<GroupState, GroupRecord, GroupTimer> {
  return {
    initial: () => new GroupState(log),
    apply,
    snapshot,
    encode: encodeGroupRecord,
    decode: ({ key, value }) => (key === null ? null : decodeGroupRecord(key, value)),
    loaded,
    fired,
    topicsChanged(turn, { deleted, changed }) {
      if (deleted.length > 0) forgetTopics(turn, deleted);
      followTopics(turn, [...deleted, ...changed]);
    },
  };
}

/** The only writer of hard state: while live, on a replay, and on a broker that takes over. */
function apply(state: GroupState, record: GroupRecord): void {
  switch (record.record) {
    case "OffsetCommit":
    case "PendingOffset":
    case "TransactionEnd":
      state.offsets.apply(record);
      break;
    case "GroupMetadata":
      applyClassic(state, record);
      break;
    default:
      applyConsumer(state, record);
      break;
  }
}

function applyClassic(state: GroupState, record: GroupMetadataRecord): void {
  const groupId = record.key.group;
  const known = state.groups.get(groupId);
  if (record.value === null) {
    // A classic group that was converted has this tombstone, but goes on as a consumer group.
    if (known?.kind === "classic") state.remove(groupId);
    return;
  }
  const group = known?.kind === "classic" ? known : new ClassicGroup(groupId);
  group.recorded = recordedOf(record.value);
  state.put(group);
}

function applyConsumer(state: GroupState, record: ConsumerRecord): void {
  const { groupId } = record.key;
  const known = state.groups.get(groupId);
  if (known?.kind === "consumer") {
    const removed = record.record === "ConsumerGroupMetadata" && record.value === null;
    if (removed) state.remove(groupId);
    else known.apply(record);
    return;
  }
  // A tombstone of a group that was deleted, or converted to a classic group.
  if (record.value === null) return;
  const group = new ConsumerGroup(groupId);
  group.apply(record);
  state.put(group);
}

/** The records of one group are one unit. */
function* snapshot({ groups, offsets }: GroupState): Generator<readonly GroupRecord[]> {
  for (const group of groups.values()) {
    if (group.kind === "classic") yield [snapshotRecord(group.groupId, group.recorded)];
  }
  for (const group of groups.values()) if (group.kind === "consumer") yield group.snapshot();
  yield* offsets.records();
}

/** Every member gets a whole session time-out for its next heartbeat. */
function loaded(turn: GroupTurn): void {
  for (const group of turn.state.groups.values()) {
    if (group.kind !== "classic") continue;
    const { members } = group.live;
    for (const member of members.values()) armSession(turn, member);
    // The limit was lowered: the rebalance refuses the members that join last.
    if (members.size > turn.config.groupMaxSize) {
      prepareRebalance(turn, group, "group.max.size was lowered");
    }
  }
  consumersLoaded(turn);
  forgetDeletedTopics(turn);
  armExpiry(turn);
}

function fired(turn: GroupTurn, timer: GroupTimer): void {
  switch (timer.kind) {
    case "classic-session":
    case "classic-join":
    case "classic-initial-join":
    case "classic-sync":
      firedClassic(turn, timer);
      break;
    case "offset-expiry":
      expireOffsets(turn);
      break;
    default:
      expireMember(turn, timer);
      break;
  }
}

function firedClassic(
  turn: GroupTurn,
  timer: Extract<GroupTimer, { kind: `classic-${string}` }>,
): void {
  const group = turn.state.groups.get(timer.groupId);
  if (group?.kind !== "classic") return;
  switch (timer.kind) {
    case "classic-session":
      expireSession(turn, group, timer.memberId);
      break;
    case "classic-join":
      if (group.live.state === "PreparingRebalance") completeJoin(turn, group);
      break;
    case "classic-initial-join":
      endInitialDelay(turn, group, timer);
      break;
    case "classic-sync":
      endSyncWait(turn, group, timer);
      break;
  }
}
