import { CONSUMER_PROTOCOL_TYPE } from "../limits.ts";
import { LiveGroup } from "../model/classic/live-group.ts";
import { metadataOf } from "../model/classic/member.ts";
import { prepareRebalance } from "../model/classic/rebalance.ts";
import { EMPTY_BYTES, NEVER_RECORDED, recordOf } from "../model/classic/records.ts";
import { armSession } from "../model/classic/sessions.ts";
import type { Turn } from "../model/classic/turn.ts";
import { NO_PARTITIONS } from "../model/consumer/assignment.ts";
import type { ConsumerGroup } from "../model/consumer/consumer-group.ts";
import type { Member } from "../model/consumer/member.ts";
import type { GroupContext } from "../operation.ts";
import { assignmentBytes } from "./embedded-protocol.ts";

/** Whether only members of the classic protocol stay, so that the group may be one again. */
export function canDowngrade(
  group: ConsumerGroup,
  leaving: readonly Member[],
  { config }: GroupContext,
): boolean {
  const policy = config.groupConsumerMigrationPolicy;
  const staying = group.members.size - leaving.length;
  const classicLeaving = leaving.filter(({ classic }) => classic !== null).length;
  return (
    (policy === "downgrade" || policy === "bidirectional") &&
    staying > 0 &&
    staying <= config.groupMaxSize &&
    group.classicMemberCount - classicLeaving === staying
  );
}

/**
 * Makes it a classic group, with the target assignment as what its members were assigned, and
 * asks them to join again: what the others had has to be dealt out.
 */
export function downgrade(turn: Turn, group: ConsumerGroup, leaving: readonly Member[]): void {
  const { state, context, effects } = turn;
  const { groupId } = group;
  const gone = new Set(leaving.map(({ memberId }) => memberId));
  const staying = [...group.members.values()].filter(({ memberId }) => !gone.has(memberId));
  const live = liveOf(group, staying, context);
  const assignments = new Map(
    [...live.members.values()].map((member) => {
      const target = group.target(member.memberId) ?? NO_PARTITIONS;
      const subscription = metadataOf(member, live.protocol ?? "") ?? EMPTY_BYTES;
      return [member.memberId, assignmentBytes(target, subscription, context.image)];
    }),
  );
  effects.records.push(...group.tombstones(), recordOf(groupId, live, assignments));
  // The classic group is there once the records are applied.
  const id = `consumer-downgrade/${groupId}`;
  state.deadlines.set(id, context.nowMs, (state, context, effects) => {
    const classic = state.groups.get(groupId);
    if (classic?.kind !== "classic") return;
    const turn = { state, context, effects };
    for (const member of classic.live.members.values()) armSession(turn, classic, member);
    if (classic.live.state !== "Stable") return;
    prepareRebalance(turn, classic, "it has gone over to the classic protocol");
  });
}

function liveOf(group: ConsumerGroup, staying: readonly Member[], { wallMs }: GroupContext) {
  const live = new LiveGroup(NEVER_RECORDED);
  live.protocolType = CONSUMER_PROTOCOL_TYPE;
  live.generation = group.epoch;
  live.moveTo("Stable", wallMs);
  for (const { classic, ...member } of staying) {
    live.add({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      sessionTimeoutMs: classic!.sessionTimeoutMs,
      protocols: classic!.supportedProtocols,
      isNew: false,
      join: null,
      sync: null,
    });
  }
  live.protocol = live.selectProtocol();
  return live;
}
