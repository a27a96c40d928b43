import { ErrorCode, OffsetDelete, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { deleteOffsets } from "../groups/operations/delete-offsets.ts";
import { onEach, onGroup } from "../security/permission.ts";
import { splitTopics } from "./allowed.ts";
import { handler, type RequestContext } from "./handler.ts";

/** OffsetDelete: v0 (KIP-496). */
export const offsetDelete = handler({
  api: OffsetDelete,
  versions: "0",
  authorize: [onGroup("delete"), onEach("read", "topic")],
  handle,
  failure,
});

type Request = RequestOf<typeof OffsetDelete>;
type Response = ResponseInput<typeof OffsetDelete>;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { groups } = context.services;
  const { groupId } = request;
  if (groupId === "") return failure(request, ErrorCode.INVALID_GROUP_ID);
  const { allowed, denied } = splitTopics(context, "read", request.topics);
  const operation = deleteOffsets({ ...request, topics: [...allowed] });
  const { errorCode, topics } = await groups.run(groupId, operation);
  if (errorCode !== ErrorCode.NONE) return { errorCode, topics };
  return { errorCode, topics: [...topics, ...denied.map(deniedTopic)] };
}

function deniedTopic({ name, partitions }: Request["topics"][number]) {
  const errorCode = ErrorCode.TOPIC_AUTHORIZATION_FAILED;
  return {
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  };
}

function failure(_request: Request, errorCode: number): Response {
  return { errorCode, topics: [] };
}
