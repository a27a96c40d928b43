import { DescribeConfigs, IncrementalAlterConfigs } from "@tarpan/protocol";
import type { Client } from "../client.ts";
import { assertOk } from "../errors.ts";

/** What a config belongs to; a broker is named by its number as text. */
export interface ConfigResource {
  readonly type: "topic" | "broker";
  readonly name: string;
}

const RESOURCE_TYPE = { topic: 2, broker: 4 } as const;

/** Where a value comes from, in Kafka's numbering. */
export const ConfigSource = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
} as const;

export interface ConfigEntry {
  readonly name: string;
  /** Null when it is sensitive, or has no value. */
  readonly value: string | null;
  readonly isDefault: boolean;
  readonly readOnly: boolean;
  readonly sensitive: boolean;
  /** What the broker says about it; null from brokers before Kafka 2.6 (KIP-569). */
  readonly documentation: string | null;
}

export async function describeConfigs(
  client: Client,
  { type, name }: ConfigResource,
  keys: readonly string[] | null,
): Promise<ConfigEntry[]> {
  const resource = {
    resourceType: RESOURCE_TYPE[type],
    resourceName: name,
    configurationKeys: keys,
  };
  const { results } = await client.request(DescribeConfigs, {
    resources: [resource],
    includeDocumentation: true,
  });
  const result = results[0]!;
  assertOk(result.errorCode, `${type} ${name}`, result.errorMessage);
  return result.configs.map((config) => ({
    name: config.name,
    value: config.value,
    isDefault: config.configSource === ConfigSource.default,
    readOnly: config.readOnly,
    sensitive: config.isSensitive,
    documentation: config.documentation,
  }));
}

const SET = 0;
const DELETE = 1;

/** Sets some configs and leaves the others alone (KIP-339); null takes one back to its default. */
export async function alterConfigs(
  client: Client,
  { type, name }: ConfigResource,
  changes: Readonly<Record<string, string | null>>,
): Promise<void> {
  const configs = Object.entries(changes).map(([key, value]) => ({
    name: key,
    configOperation: value === null ? DELETE : SET,
    value,
  }));
  const resource = { resourceType: RESOURCE_TYPE[type], resourceName: name, configs };
  const body = { resources: [resource], validateOnly: false };
  const { responses } = await client.request(IncrementalAlterConfigs, body);
  const answer = responses[0]!;
  assertOk(answer.errorCode, `${type} ${name}`, answer.errorMessage);
}
