import { ErrorCode, type OffsetDelete, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { CONSUMER_PROTOCOL_TYPE } from "../limits.ts";
import type { GroupLike } from "../model/group.ts";
import type { GroupState } from "../model/state.ts";
import type { GroupOperation } from "../turn.ts";

type Request = RequestOf<typeof OffsetDelete>;
type Response = ResponseInput<typeof OffsetDelete>;

/**
 * Deletes offsets of topics that no member of the group is subscribed to (KIP-496), also those that
 * wait for the end of a transaction.
 */
export function deleteOffsets(request: Request): GroupOperation<Response> {
  return (turn, reply) => {
    const { state, image } = turn;
    const { groupId } = request;
    const errorCode = validateOffsetDelete(state, groupId);
    if (errorCode !== ErrorCode.NONE) return turn.reply(reply, { errorCode, topics: [] });
    const group: GroupLike | undefined = state.groups.get(groupId);
    const topics = request.topics.map(({ name, partitions }) => {
      const subscribed = group?.isSubscribedTo(name) ?? false;
      const known = image.topics.get(name)?.partitions ?? [];
      const answers = partitions.map(({ partitionIndex }) => {
        const code =
          known[partitionIndex] === undefined
            ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            : subscribed
              ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
              : ErrorCode.NONE;
        if (code === ErrorCode.NONE) {
          turn.appendAll(state.offsets.deletePartition(groupId, name, partitionIndex));
        }
        return { partitionIndex, errorCode: code };
      });
      return { name, partitions: answers };
    });
    turn.reply(reply, { errorCode: ErrorCode.NONE, topics });
  };
}

/** Of another protocol type the subscriptions can't be read: such a group has to be empty. */
function validateOffsetDelete({ groups, offsets }: GroupState, groupId: string): number {
  const group: GroupLike | undefined = groups.get(groupId);
  if (group === undefined) {
    return offsets.hasGroup(groupId) ? ErrorCode.NONE : ErrorCode.GROUP_ID_NOT_FOUND;
  }
  const readable = group.kind === "consumer" || group.protocolType === CONSUMER_PROTOCOL_TYPE;
  return readable ? ErrorCode.NONE : group.validateDelete();
}
