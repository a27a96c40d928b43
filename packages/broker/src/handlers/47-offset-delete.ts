import { ErrorCode, OffsetDelete, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { deleteOffsets } from "../groups/operations/delete-offsets.ts";
import { onEach, onGroup } from "../security/permission.ts";
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

function handle(request: Request, { services }: RequestContext): Response | Promise<Response> {
  if (request.groupId === "") return failure(request, ErrorCode.INVALID_GROUP_ID);
  return services.groups.run(request.groupId, deleteOffsets(request));
}

function failure(_request: Request, errorCode: number): Response {
  return { errorCode, topics: [] };
}
