import { CreatePartitions, ErrorCode, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { refused } from "../metadata/outcome.ts";
import { onEach } from "../security/permission.ts";
import { splitTopics } from "./allowed.ts";
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

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { services } = context;
  const { validateOnly } = request;
  const { allowed: topics, denied } = splitTopics(context, "alter", request.topics);
  const refusals = failure({ topics: denied }, ErrorCode.TOPIC_AUTHORIZATION_FAILED).results;
  if (topics.length === 0) return { results: refusals };
  const grown = await services.metadata.controller.createPartitions({ topics, validateOnly });
  const results = grown.topics.map(({ name, errorCode, errorMessage }) => {
    return { name, errorCode, errorMessage };
  });
  return { results: [...results, ...refusals] };
}

type Named = { readonly topics: readonly { readonly name: string }[] };

function failure({ topics }: Named, errorCode: number): Response {
  return { results: topics.map(({ name }) => ({ name, ...refused(errorCode) })) };
}
