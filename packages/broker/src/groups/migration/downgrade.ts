import { CONSUMER_PROTOCOL_TYPE } from "../limits.ts";
import { LiveGroup } from "../model/classic/live-group.ts";
import { metadataOf } from "../model/classic/member.ts";
import { prepareRebalance } from "../model/classic/rebalance.ts";
import { NEVER_RECORDED } from "../model/classic/recorded-group.ts";
import { EMPTY_BYTES, recordOf } from "../model/classic/records.ts";
import { armSession, sessionOf } from "../model/classic/sessions.ts";
import { NO_PARTITIONS } from "../model/consumer/assignment.ts";
import type { ConsumerGroup } from "../model/consumer/consumer-group.ts";
import type { ConsumerMember } from "../model/consumer/member.ts";
import type { GroupTurn } from "../turn.ts";
import { assignmentBytes } from "./embedded-protocol.ts";

/** Whether the group may become a classic one: all members that stay use the classic protocol. */
export function canDowngrade(
  group: ConsumerGroup,
  leaving: readonly ConsumerMember[],
  { config }: GroupTurn,
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
 * Converts the group to a classic group in which each member has its target assignment. Then starts
 * a rebalance, which assigns the partitions of the members that leave.
 */
export function convertToClassicGroup(
  turn: GroupTurn,
  group: ConsumerGroup,
  leaving: readonly ConsumerMember[],
): void {
  const { groupId } = group;
  const gone = new Set(leaving.map(({ memberId }) => memberId));
  const staying = [...group.members.values()].filter(({ memberId }) => !gone.has(memberId));
  const live = liveOf(group, staying, turn);
  const assignments = new Map(
    [...live.members.values()].map((member) => {
      const target = group.target(member.memberId) ?? NO_PARTITIONS;
      const subscription = metadataOf(member, live.protocol ?? "") ?? EMPTY_BYTES;
      return [member.memberId, assignmentBytes(target, subscription, turn.image)];
    }),
  );
  turn.appendAll(group.tombstones());
  turn.append(recordOf(groupId, live, assignments));
  turn.afterwards((next) => {
    const classic = next.state.groups.get(groupId);
    if (classic?.kind !== "classic") return;
    for (const member of classic.live.members.values()) armSession(next, member);
    prepareRebalance(next, classic, "the group was converted to the classic protocol");
  });
}

function liveOf(group: ConsumerGroup, staying: readonly ConsumerMember[], { wallMs }: GroupTurn) {
  const live = new LiveGroup(group.groupId, NEVER_RECORDED);
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
      session: sessionOf(group.groupId, member.memberId),
      isNew: false,
      join: null,
      sync: null,
    });
  }
  live.protocol = live.selectProtocol();
  return live;
}
