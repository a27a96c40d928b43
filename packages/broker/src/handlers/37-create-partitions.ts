import { CreatePartitions, ErrorCode, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { refused } from "../metadata/outcome.ts";
import { onEach } from "../security/permission.ts";
import { splitTopics } from "./allowed.ts";
import { handler, type RequestContext } from "./handler.ts";
import { MutationQuota, QUOTA_EXCEEDED } from "./mutation-quota.ts";

/**
 * CreatePartitions: v0-3.
 * v2 flexible · v3 quotas (KIP-599).
 * timeoutMs is ignored.
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
  const { allowed, denied } = splitTopics(context, "alter", request.topics);
  const refusals = [...failure({ topics: denied }, ErrorCode.TOPIC_AUTHORIZATION_FAILED).results];
  const quota = new MutationQuota(context, STRICT_QUOTA_SINCE);
  const { within: topics, above } = await quota.split(allowed, ({ name, count }) => {
    const known = services.metadata.image.topics.get(name)?.partitions.length ?? count;
    return Math.max(0, count - known);
  });
  refusals.push(...above.map(({ name }) => ({ name, ...QUOTA_EXCEEDED })));
  const throttleTimeMs = quota.throttle();
  if (topics.length === 0) return { throttleTimeMs, results: refusals };
  const grown = await services.metadata.controller.createPartitions({ topics, validateOnly });
  const results = grown.topics.map(({ name, errorCode, errorMessage }) => {
    return { name, errorCode, errorMessage };
  });
  return { throttleTimeMs, results: [...results, ...refusals] };
}

const STRICT_QUOTA_SINCE = 3;

type Named = { readonly topics: readonly { readonly name: string }[] };

function failure({ topics }: Named, errorCode: number): Response {
  return { results: topics.map(({ name }) => ({ name, ...refused(errorCode) })) };
}
