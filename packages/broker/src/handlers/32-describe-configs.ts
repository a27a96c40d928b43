import { DescribeConfigs, ErrorCode, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import {
  type DescribedConfig,
  describeAllBrokers,
  describeBroker,
  describeGroup,
  describeOtherBroker,
  describeTopic,
} from "../config/kafka/describe.ts";
import { whyNoConfigs } from "../config/kafka/no-resource.ts";
import { configsOf, ResourceType } from "../config/kafka/set-configs.ts";
import { brokerNamed } from "../metadata/image.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { type Outcome, refused } from "../metadata/outcome.ts";
import { topicNameProblem } from "../metadata/topic-names.ts";
import { waitUntilMetadataRead } from "../partition/pending-changes.ts";
import { DENIED, onEach } from "../security/permission.ts";
import { allowsConfigs, configOwner } from "./allowed.ts";
import { describeLoggers, notOwnLogger } from "./broker-loggers.ts";
import { handler, type RequestContext, type Services } from "./handler.ts";

/**
 * DescribeConfigs: v1-4.
 * v1 sources and synonyms · v3 types and documentation (KIP-569) · v4 flexible.
 * Describes topics, groups, brokers and the loggers of this broker. A broker resource without a
 * name has the configs that were set for all brokers. Of another broker only the configs that were
 * set at run time are known. Not done: client metrics, answered with INVALID_REQUEST.
 */
export const describeConfigs = handler({
  api: DescribeConfigs,
  versions: "1-4",
  authorize: [
    onEach("describeConfigs", "topic"),
    onEach("describeConfigs", "group"),
    onEach("describeConfigs", "cluster"),
  ],
  handle,
  failure,
});

type Request = RequestOf<typeof DescribeConfigs>;
type Response = ResponseInput<typeof DescribeConfigs>;
type Resource = Request["resources"][number];
type Result = Response["results"][number];

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { services } = context;
  const { metadata } = services;
  if (request.resources.some((one) => isUnknownTopic(one, metadata)))
    await waitUntilMetadataRead(services);
  const results = request.resources.map((resource): Result => {
    const { resourceType, resourceName, configurationKeys } = resource;
    const isAllowed = allowsConfigs(context, "describeConfigs", resource);
    const found = isAllowed
      ? describe(resource, services)
      : refused(DENIED[configOwner(resourceType)]);
    if (!Array.isArray(found)) return { resourceType, resourceName, ...found, configs: [] };
    // As in Kafka, an empty list asks for all configs.
    const keys = new Set(configurationKeys ?? []);
    const configs = found
      .filter(({ name }) => keys.size === 0 || keys.has(name))
      .map((config) => configPart(config, request));
    const { NONE } = ErrorCode;
    return { errorCode: NONE, errorMessage: null, resourceType, resourceName, configs };
  });
  return { results };
}

function isUnknownTopic({ resourceType, resourceName }: Resource, { image }: Metadata): boolean {
  return resourceType === ResourceType.topic && !image.topics.has(resourceName);
}

function describe({ resourceType, resourceName }: Resource, { metadata, logLevels }: Services) {
  const layers = metadata.configs.layers(metadata.image);
  switch (resourceType) {
    case ResourceType.topic:
      return describeKnownTopic(resourceName, metadata);
    case ResourceType.broker:
      if (resourceName === "") return describeAllBrokers(layers);
      if (resourceName === String(metadata.nodeId)) return describeBroker(layers);
      return describeOther(resourceName, metadata);
    case ResourceType.brokerLogger:
      return notOwnLogger(resourceName, metadata.nodeId) ?? describeLoggers(logLevels);
    case ResourceType.group:
      if (resourceName === "") break;
      return describeGroup(layers, configsOf(metadata.image, resourceType, resourceName));
  }
  return refused(ErrorCode.INVALID_REQUEST, whyNoConfigs(resourceType));
}

function describeOther(name: string, { image }: Metadata): DescribedConfig[] | Outcome {
  if (brokerNamed(image, name) === null) {
    const text = `there is no broker '${name}': use a broker id, or "" for all brokers`;
    return refused(ErrorCode.INVALID_REQUEST, text);
  }
  const own = configsOf(image, ResourceType.broker, name);
  return describeOtherBroker(own, configsOf(image, ResourceType.broker, ""));
}

function describeKnownTopic(name: string, metadata: Metadata): DescribedConfig[] | Outcome {
  const problem = topicNameProblem(name);
  if (problem !== null) return refused(ErrorCode.INVALID_TOPIC_EXCEPTION, problem);
  const { image } = metadata;
  if (!image.topics.has(name)) return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const own = configsOf(image, ResourceType.topic, name);
  return describeTopic(metadata.configs.layers(image), own);
}

function configPart(config: DescribedConfig, request: Request): Result["configs"][number] {
  return {
    name: config.name,
    value: config.value,
    readOnly: config.readOnly,
    configSource: config.source,
    isSensitive: config.isSensitive,
    synonyms: request.includeSynonyms ? [...config.synonyms] : [],
    configType: config.type,
    documentation: request.includeDocumentation ? config.documentation : null,
  };
}

function failure({ resources }: Request, errorCode: number): Response {
  return {
    results: resources.map(({ resourceType, resourceName }) => {
      return { ...refused(errorCode), resourceType, resourceName, configs: [] };
    }),
  };
}
