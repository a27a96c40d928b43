import type { Turn } from "../model/classic/turn.ts";
import { ConsumerGroup } from "../model/consumer/consumer-group.ts";
import type { HeartbeatAnswer } from "../model/consumer/requests.ts";
import { noSuchGroup } from "../operations/consumer-leave.ts";
import { upgraded } from "./upgrade.ts";

/** The group of a heartbeat, perhaps one that is yet to be recorded. */
export interface FoundGroup {
  readonly group: ConsumerGroup;
  /** Makes it so; to be called once the heartbeat can't be refused any more. */
  readonly commit: () => void;
}

const asItIs = () => {};

/** A member that joins makes its group, and may make it of a classic one. */
export function groupToJoin(
  turn: Turn,
  groupId: string,
  joins: boolean,
): FoundGroup | HeartbeatAnswer {
  const known = turn.state.groups.get(groupId);
  if (known?.kind === "consumer") return { group: known, commit: asItIs };
  if (!joins) return noSuchGroup(groupId);
  const group = new ConsumerGroup(groupId);
  if (known === undefined) return { group, commit: asItIs };
  if (known.stateName === "Empty") {
    return { group, commit: () => turn.effects.records.push(...known.tombstones()) };
  }
  return upgraded(turn, known);
}
