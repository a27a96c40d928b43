import { CreatePartitions, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { refused } from "../metadata/outcome.ts";
import { onEach } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * CreatePartitions: v0-3.
 * v2 flexible · v3 quotas (KIP-599).
 * timeoutMs is ignored. Not done: quotas.
 */
export const createPartitions = handler({
  api: CreatePartitions,
  versions: "0-3",
  authorize: [onEach("alter", "topic")],
  handle,
  failure,
});

type Request = RequestOf<typeof CreatePartitions>;
type Response = ResponseInput<typeof CreatePartitions>;

async function handle(request: Request, { services }: RequestContext): Promise<Response> {
  const { topics, validateOnly } = request;
  const grown = await services.metadata.controller.createPartitions({ topics, validateOnly });
  return {
    results: grown.topics.map(({ name, errorCode, errorMessage }) => ({
      name,
      errorCode,
      errorMessage,
    })),
  };
}

function failure({ topics }: Request, errorCode: number): Response {
  return { results: topics.map(({ name }) => ({ name, ...refused(errorCode) })) };
}
