import { ErrorCode } from "@tarpan/protocol";
import type { GroupLike } from "../model/group.ts";
import type { GroupOperation } from "../turn.ts";

/**
 * Deletes an empty group of either kind and its offsets, also those that wait for the end of a
 * transaction. Replies an error code.
 */
export function deleteGroup(groupId: string): GroupOperation<number> {
  return (turn, reply) => {
    const { groups, offsets } = turn.state;
    const group: GroupLike | undefined = groups.get(groupId);
    if (group === undefined && !offsets.hasGroup(groupId)) {
      return turn.reply(reply, ErrorCode.GROUP_ID_NOT_FOUND);
    }
    const errorCode = group?.validateDelete() ?? ErrorCode.NONE;
    if (errorCode === ErrorCode.NONE) {
      turn.appendAll(offsets.deleteGroup(groupId));
      if (group !== undefined) turn.appendAll(group.tombstones());
    }
    turn.reply(reply, errorCode);
  };
}
