import { ErrorCode } from "@tarpan/protocol";
import { BROKER_CONFIGS } from "../config/kafka/broker-configs.ts";
import { type ConfigTable, splitList } from "../config/kafka/definition.ts";
import { GROUP_CONFIGS } from "../config/kafka/group-configs.ts";
import { whyNoConfigs } from "../config/kafka/no-resource.ts";
import type { BrokerLayers } from "../config/kafka/resolve.ts";
import { type ConfigValues, configsOf, ResourceType } from "../config/kafka/set-configs.ts";
import { TOPIC_CONFIGS } from "../config/kafka/topic-configs.ts";
import type { Decision } from "../state-machine/replayed-state.ts";
import { brokerConfigProblem, groupProblem, topicConfigProblem } from "./config-problems.ts";
import { brokerNamed, type MetadataImage } from "./image.ts";
import { DONE, type Outcome, refused } from "./outcome.ts";
import { configRecord, type MetadataRecord } from "./records.ts";
import { isInternalTopic } from "./topic-names.ts";

/** `AlterConfigOp.OpType` of Kafka. */
export const ConfigOperation = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

export interface ConfigChange {
  readonly name: string;
  readonly operation: number;
  /** Null only for operations that take no value. */
  readonly value: string | null;
}

/** Changes of one resource: either all are made or none. */
export interface ResourceChange {
  readonly type: number;
  readonly name: string;
  /** True for the legacy AlterConfigs: configs that are not named are deleted. */
  readonly replace: boolean;
  readonly changes: readonly ConfigChange[];
}

export interface AlterConfigsRequest {
  readonly resources: readonly ResourceChange[];
  readonly validateOnly: boolean;
  /** The broker that got the request. */
  readonly nodeId: number;
}

export interface AlterContext {
  readonly nodeId: number;
  readonly validateOnly: boolean;
  /** The broker's configs, which limit those of groups and topics. */
  readonly layers: BrokerLayers;
}

export function decideAlterConfigs(
  image: MetadataImage,
  resources: readonly ResourceChange[],
  context: AlterContext,
): Decision<MetadataRecord, Outcome[]> {
  const times = new Map<string, number>();
  for (const resource of resources) times.set(key(resource), (times.get(key(resource)) ?? 0) + 1);
  const records: MetadataRecord[] = [];
  const response = resources.map((resource) => {
    if (times.get(key(resource))! > 1) {
      return refused(ErrorCode.INVALID_REQUEST, "a resource is named more than once");
    }
    const next = resourceRefusal(image, resource, context.nodeId) ?? changed(image, resource);
    if ("errorCode" in next) return next;
    const refusal = configsRefusal(resource, next, context.layers);
    if (refusal !== null) return refusal;
    records.push(...differences(image, resource, next));
    return DONE;
  });
  return { records: context.validateOnly ? [] : records, response };
}

function key({ type, name }: ResourceChange): string {
  return `${type}/${name}`;
}

function resourceRefusal(
  image: MetadataImage,
  { type, name }: ResourceChange,
  nodeId: number,
): Outcome | null {
  if (type === ResourceType.topic) {
    if (name === "") return refused(ErrorCode.INVALID_REQUEST, "a topic's configs need its name");
    if (!image.topics.has(name)) return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    if (!isInternalTopic(name)) return null;
    return refused(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      `${name} is internal: clients can't change it`,
    );
  }
  if (type === ResourceType.group && name !== "") return null;
  if (type !== ResourceType.broker) return refused(ErrorCode.INVALID_REQUEST, whyNoConfigs(type));
  if (name === "" || name === String(nodeId) || brokerNamed(image, name) !== null) return null;
  const text = `there is no broker '${name}': use a broker id, or "" for all brokers`;
  return refused(ErrorCode.INVALID_REQUEST, text);
}

/** The configs that the resource would have after the changes. */
function changed(image: MetadataImage, resource: ResourceChange): Map<string, string> | Outcome {
  const { type, name, replace, changes } = resource;
  if (new Set(changes.map((change) => change.name)).size !== changes.length) {
    return refused(ErrorCode.INVALID_REQUEST, "a config is named more than once");
  }
  const next = new Map(replace ? [] : configsOf(image, type, name));
  for (const change of changes) {
    if (change.operation === ConfigOperation.delete) {
      next.delete(change.name);
      continue;
    }
    if (change.value === null) {
      return refused(ErrorCode.INVALID_REQUEST, `config ${change.name} has no value`);
    }
    const value = changedValue(type, next, change.name, change.operation, change.value);
    if (typeof value !== "string") return value;
    next.set(change.name, value);
  }
  return next;
}

function changedValue(
  type: number,
  current: ConfigValues,
  name: string,
  operation: number,
  value: string,
): string | Outcome {
  if (operation === ConfigOperation.set) return value;
  if (operation !== ConfigOperation.append && operation !== ConfigOperation.subtract) {
    return refused(ErrorCode.INVALID_REQUEST, `unknown config operation ${operation}`);
  }
  const definition = tableOf(type).get(name);
  if (definition?.type !== "list") {
    const text = `config ${name} is not a list: it can only be set or deleted`;
    return refused(ErrorCode.INVALID_CONFIG, text);
  }
  const parts = splitList(current.get(name) ?? definition.fallback ?? "");
  const named = splitList(value);
  const next =
    operation === ConfigOperation.append
      ? [...parts, ...named.filter((part) => !parts.includes(part))]
      : parts.filter((part) => !named.includes(part));
  return next.join(",");
}

function tableOf(type: number): ConfigTable {
  if (type === ResourceType.group) return GROUP_CONFIGS;
  return type === ResourceType.topic ? TOPIC_CONFIGS : BROKER_CONFIGS;
}

/** Kafka's codes: INVALID_REQUEST for a broker's configs, INVALID_CONFIG for others. */
function configsRefusal(
  { type, name }: ResourceChange,
  next: ConfigValues,
  layers: BrokerLayers,
): Outcome | null {
  if (type === ResourceType.broker) {
    const problem = brokerConfigProblem(next, name !== "");
    return problem === null ? null : refused(ErrorCode.INVALID_REQUEST, problem);
  }
  const isTopic = type === ResourceType.topic;
  const problem = isTopic ? topicConfigProblem(next, layers) : groupProblem(next, layers);
  return problem === null ? null : refused(ErrorCode.INVALID_CONFIG, problem);
}

function differences(
  image: MetadataImage,
  { type, name }: ResourceChange,
  next: ConfigValues,
): MetadataRecord[] {
  const before = configsOf(image, type, name);
  const records: MetadataRecord[] = [];
  for (const config of before.keys()) {
    if (!next.has(config)) records.push(configRecord(type, name, config, null));
  }
  for (const [config, value] of next) {
    if (before.get(config) !== value) records.push(configRecord(type, name, config, value));
  }
  return records;
}
