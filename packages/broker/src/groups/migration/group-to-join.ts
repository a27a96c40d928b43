import { ConsumerGroup } from "../model/consumer/consumer-group.ts";
import { type HeartbeatAnswer, noSuchGroup } from "../model/consumer/requests.ts";
import type { GroupTurn } from "../turn.ts";
import { type FoundGroup, upgraded } from "./upgrade.ts";

const asItIs = () => {};

/** A member that joins makes its group, and may make it of a classic one. */
export function groupToJoin(
  turn: GroupTurn,
  groupId: string,
  joins: boolean,
): FoundGroup | HeartbeatAnswer {
  const known = turn.state.groups.get(groupId);
  if (known?.kind === "consumer") return { group: known, commit: asItIs };
  if (!joins) return noSuchGroup(groupId);
  const group = new ConsumerGroup(groupId);
  if (known === undefined) return { group, commit: asItIs };
  if (known.stateName === "Empty") {
    return { group, commit: () => turn.appendAll(known.tombstones()) };
  }
  return upgraded(turn, known);
}
