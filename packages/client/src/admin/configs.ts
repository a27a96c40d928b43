import { DescribeConfigs, ErrorCode, IncrementalAlterConfigs } from "@tarpan/protocol";
import type { Client } from "../connection/client.ts";
import { assertOk } from "../errors.ts";

/** What the configs belong to. A broker's name is its node id as a string, such as "1". */
export interface ConfigResource {
  readonly type: "topic" | "broker";
  readonly name: string;
}

const RESOURCE_TYPE = { topic: 2, broker: 4 } as const;

/** Where a value comes from: Kafka's DescribeConfigsResponse.ConfigSource. */
export const ConfigSource = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
} as const;

export interface ConfigEntry {
  readonly name: string;
  /** Null if the config is sensitive or has no value. */
  readonly value: string | null;
  readonly isDefault: boolean;
  readonly readOnly: boolean;
  readonly sensitive: boolean;
  /** The broker's help text; null from brokers before Kafka 2.6 (KIP-569). */
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
  const about = `${type} ${name}`;
  const result = await client.retrying(`configs of ${about}`, async () => {
    const request = { resources: [resource], includeDocumentation: true };
    const result = await client.askAround(
      async (connection) => (await connection.request(DescribeConfigs, request)).results[0]!,
      isKnown,
    );
    if (isKnown(result)) assertOk(result.errorCode, about, result.errorMessage);
    return result;
  });
  // Not retried: no broker knows the topic.
  assertOk(result.errorCode, about, result.errorMessage);
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

/** Sets the configs in `changes` and no others (KIP-339); null resets a config to its default. */
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
  const about = `${type} ${name}`;
  const answer = await client.retrying(`configs of ${about}`, async () => {
    const connection = await client.anyConnection();
    const answer = (await connection.request(IncrementalAlterConfigs, body)).responses[0]!;
    if (isKnown(answer)) assertOk(answer.errorCode, about, answer.errorMessage);
    return answer;
  });
  assertOk(answer.errorCode, about, answer.errorMessage);
}

function isKnown({ errorCode }: { readonly errorCode: number }): boolean {
  return errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}
