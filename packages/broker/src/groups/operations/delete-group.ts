import { ErrorCode } from "@tarpan/protocol";
import type { GroupLike } from "../model/group.ts";
import type { Operation } from "../operation.ts";

/** Deletes an empty group of either kind, and its offsets with it. Answers an error code. */
export function deleteGroup(groupId: string): Operation<number> {
  return ({ groups, offsets }, _context, effects, reply) => {
    const group: GroupLike | undefined = groups.get(groupId);
    if (group === undefined && !offsets.hasGroup(groupId)) {
      return effects.reply(reply, ErrorCode.GROUP_ID_NOT_FOUND);
    }
    const errorCode = group?.judgeDelete() ?? ErrorCode.NONE;
    if (errorCode === ErrorCode.NONE) {
      // One by one: a group may have more offsets than a call takes arguments.
      for (const tombstone of offsets.deleteGroup(groupId)) effects.records.push(tombstone);
      if (group !== undefined) effects.records.push(...group.tombstones());
    }
    effects.reply(reply, errorCode);
  };
}
