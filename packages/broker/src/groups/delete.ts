import { ErrorCode } from "@tarpan/protocol";
import type { GroupLike } from "./group.ts";
import type { Operation } from "./operation.ts";

/** Deletes an empty group of either kind, and its offsets with it. Answers an error code. */
export function deleteGroup(groupId: string): Operation<number> {
  return ({ groups, offsets }, _context, effects, reply) => {
    const group: GroupLike | undefined = groups.get(groupId);
    if (group === undefined && !offsets.hasGroup(groupId)) {
      return effects.reply(reply, ErrorCode.GROUP_ID_NOT_FOUND);
    }
    const errorCode = group?.judgeDelete() ?? ErrorCode.NONE;
    if (errorCode === ErrorCode.NONE) {
      effects.records.push(...offsets.deleteGroup(groupId));
      if (group !== undefined) effects.records.push(...group.tombstones());
    }
    effects.reply(reply, errorCode);
  };
}
