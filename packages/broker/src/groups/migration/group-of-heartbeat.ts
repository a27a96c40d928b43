import { ConsumerGroup } from "../model/consumer/consumer-group.ts";
import { type HeartbeatAnswer, noSuchGroup } from "../model/consumer/requests.ts";
import type { GroupTurn } from "../turn.ts";
import { convertToConsumerGroup, type FoundGroup } from "./upgrade.ts";

const noChange = () => {};

/** The group of a heartbeat. A member that joins creates the group or converts a classic one. */
export function groupOfHeartbeat(
  turn: GroupTurn,
  groupId: string,
  joins: boolean,
): FoundGroup | HeartbeatAnswer {
  const known = turn.state.groups.get(groupId);
  if (known?.kind === "consumer") return { group: known, commit: noChange };
  if (!joins) return noSuchGroup(groupId);
  const group = new ConsumerGroup(groupId);
  if (known === undefined) return { group, commit: noChange };
  if (known.stateName === "Empty") {
    return { group, commit: () => turn.appendAll(known.tombstones()) };
  }
  return convertToConsumerGroup(turn, known);
}
