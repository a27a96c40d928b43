import type { ListGroups, RequestOf, ResponseInput } from "@tarpan/protocol";
import type { GroupLike } from "../model/group.ts";
import type { GroupOperation } from "../turn.ts";

export type ListedGroup = ResponseInput<typeof ListGroups>["groups"][number];

/** A group that has only offsets, those of standalone consumers (assign). */
const ONLY_OFFSETS = { kind: "classic", stateName: "Empty", protocolType: "" } as const;

/** Lists the groups of one shard, of either kind. Filters ignore case, as in Kafka. */
export function listGroups(request: RequestOf<typeof ListGroups>): GroupOperation<ListedGroup[]> {
  const states = new Set(request.statesFilter.map((state) => state.trim().toLowerCase()));
  const kinds = new Set(request.typesFilter.map((kind) => kind.toLowerCase()));
  return (turn, reply) => {
    const { groups, offsets } = turn.state;
    const listed: ListedGroup[] = [];
    const list = (groupId: string, group: Pick<GroupLike, keyof typeof ONLY_OFFSETS>) => {
      const { kind, stateName, protocolType } = group;
      if (states.size > 0 && !states.has(stateName.toLowerCase())) return;
      if (kinds.size > 0 && !kinds.has(kind)) return;
      listed.push({ groupId, protocolType, groupState: stateName, groupType: kind });
    };
    for (const group of groups.values()) list(group.groupId, group);
    for (const groupId of offsets.groupIds()) {
      if (!groups.has(groupId)) list(groupId, ONLY_OFFSETS);
    }
    turn.reply(reply, listed);
  };
}
