import { CreateTopics, ErrorCode, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { ConfigSource, type DescribedConfig, describeTopic } from "../config/kafka/describe.ts";
import type { ConfigValues } from "../config/kafka/set-configs.ts";
import type { CreatedTopic } from "../metadata/create-topics.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { refused } from "../metadata/outcome.ts";
import { onEach } from "../security/permission.ts";
import { couldDo, mayCreate, split } from "./allowed.ts";
import { handler, type RequestContext } from "./handler.ts";
import { MutationQuota, QUOTA_EXCEEDED } from "./mutation-quota.ts";

/**
 * CreateTopics: v2-7. v4 partitions and replication factor -1 take the broker's defaults (KIP-464)
 * · v5 flexible, the answer has the topic's partitions, replicas and configs (KIP-525) · v6 quotas
 * (KIP-599) · v7 the answer has the topic's id. Topics of one request are created together, in one
 * append; timeoutMs is ignored. In a cluster whose brokers are still registering it waits for them
 * (GATHERING_WAIT_MS). The quota counts topics that do not exist yet, also if they are refused.
 */
export const createTopics = handler({
  api: CreateTopics,
  versions: "2-7",
  authorize: [onEach("create", "topic"), onEach("describeConfigs", "topic")],
  handle,
  failure,
});

type Request = RequestOf<typeof CreateTopics>;
type Response = ResponseInput<typeof CreateTopics>;
type Result = Response["topics"][number];

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { metadata } = context.services;
  const { validateOnly } = request;
  const { allowed, denied } = split(request.topics, ({ name }) => mayCreate(context, name));
  const names = new Set(denied.map(({ name }) => name));
  const refusals = [...names].map((name) => refusal(name, ErrorCode.TOPIC_AUTHORIZATION_FAILED));
  const quota = new MutationQuota(context, STRICT_QUOTA_SINCE);
  const { within: topics, above } = await quota.split(allowed, (topic) => {
    return metadata.image.topics.has(topic.name) ? 0 : partitionsOf(topic, metadata);
  });
  refusals.push(...above.map(({ name }) => ({ name, ...QUOTA_EXCEEDED, configs: null })));
  const throttleTimeMs = quota.throttle();
  if (topics.length === 0) return { throttleTimeMs, topics: refusals };
  const asked = { topics, validateOnly, internal: false };
  const created = await metadata.controller.createTopics(asked);
  const defaults = describeTopic(metadata.configs.layers(metadata.image), NO_CONFIGS).map(shown);
  const results = created.topics.map((topic) => {
    const result = resultOf(topic, defaults, validateOnly);
    const isShown = couldDo(context, "describeConfigs", "topic", topic.name);
    return topic.topic === null || isShown ? result : withoutConfigs(result);
  });
  return { throttleTimeMs, topics: [...results, ...refusals] };
}

const STRICT_QUOTA_SINCE = 6;

function partitionsOf(
  { numPartitions, assignments }: Request["topics"][number],
  metadata: Metadata,
): number {
  if (assignments.length > 0) return assignments.length;
  return numPartitions > 0 ? numPartitions : metadata.brokerConfig().numPartitions;
}

/** Who may not see the topic's configs is told why they are missing, as in Kafka. */
function withoutConfigs({ numPartitions: _, replicationFactor: __, ...result }: Result): Result {
  const topicConfigErrorCode = ErrorCode.TOPIC_AUTHORIZATION_FAILED;
  return { ...result, configs: [], topicConfigErrorCode };
}

type Config = NonNullable<Result["configs"]>[number];

const NO_CONFIGS: ConfigValues = new Map();

function shown({ name, value, readOnly, source, isSensitive }: DescribedConfig): Config {
  return { name, value, readOnly, configSource: source, isSensitive };
}

/** Most topics have no configs of their own: those share the list of the defaults. */
function configsOf(own: ConfigValues, defaults: readonly Config[]): readonly Config[] {
  if (own.size === 0) return defaults;
  return defaults.map((config) => {
    const set = own.get(config.name);
    if (set === undefined) return config;
    const value = config.isSensitive ? null : set;
    return { ...config, value, configSource: ConfigSource.topic };
  });
}

function resultOf(
  created: CreatedTopic,
  defaults: readonly Config[],
  validateOnly: boolean,
): Result {
  const { name, errorCode, errorMessage, topic } = created;
  if (topic === null) return { name, errorCode, errorMessage, configs: null };
  const { id, numPartitions, replicationFactor, configs } = topic;
  const own = new Map(configs.map(({ name: key, value }) => [key, value]));
  return {
    name,
    // With validateOnly no topic has this id.
    ...(!validateOnly && { topicId: id }),
    errorCode,
    errorMessage,
    numPartitions,
    replicationFactor,
    configs: configsOf(own, defaults),
  };
}

function failure({ topics }: Request, errorCode: number): Response {
  return { topics: topics.map(({ name }) => refusal(name, errorCode)) };
}

function refusal(name: string, errorCode: number): Result {
  return { name, ...refused(errorCode), configs: null };
}
