import {
  type Api,
  CreatePartitions,
  CreateTopics,
  DeleteTopics,
  ErrorCode,
  type Fields,
  type Input,
  type Output,
  ZERO_UUID,
} from "@tarpan/protocol";
import { anyString, type Checks, integer, mapOf } from "../checks/checks.ts";
import { topicName } from "../checks/values.ts";
import type { Client } from "../connection/client.ts";
import { backoffMs, Deadline, sleep } from "../connection/retry.ts";
import { assertOk } from "../errors.ts";

export interface NewTopic {
  readonly name: string;
  /** At least 1. Default: the broker's `num.partitions`. */
  readonly partitions?: number | undefined;
  /** Replication factor, at least 1. Default: the broker's `default.replication.factor`. */
  readonly replicas?: number | undefined;
  readonly configs?: Readonly<Record<string, string>> | undefined;
}

const BROKER_DEFAULT = -1;

export const newTopic: Checks<NewTopic> = {
  name: topicName,
  partitions: integer(1),
  replicas: integer(1, 32_767),
  configs: mapOf(anyString),
};

/** See Admin. */
export async function createTopic(client: Client, topic: NewTopic, validateOnly: boolean) {
  const { name } = topic;
  const request = {
    name,
    numPartitions: topic.partitions ?? BROKER_DEFAULT,
    replicationFactor: topic.replicas ?? BROKER_DEFAULT,
    assignments: [],
    configs: Object.entries(topic.configs ?? {}).map(([key, value]) => ({ name: key, value })),
  };
  const body = { topics: [request], timeoutMs: client.timeoutMs, validateOnly };
  const { topics } = await toController(client, CreateTopics, body, (answer) => {
    return answer.topics[0]?.errorCode;
  });
  const answer = topics[0]!;
  assertOk(answer.errorCode, `topic ${name}`, answer.errorMessage);
  client.forget(name);
  return { name, partitions: answer.numPartitions, replicas: answer.replicationFactor };
}

export async function deleteTopic(client: Client, name: string): Promise<void> {
  const { timeoutMs } = client;
  const body = { topics: [{ name, topicId: ZERO_UUID }], topicNames: [name], timeoutMs };
  const { responses } = await toController(client, DeleteTopics, body, (answer) => {
    return answer.responses[0]?.errorCode;
  });
  const answer = responses[0]!;
  assertOk(answer.errorCode, `topic ${name}`, answer.errorMessage);
  client.forget(name);
}

export async function createPartitions(client: Client, name: string, count: number): Promise<void> {
  const topics = [{ name, count, assignments: null }];
  const body = { topics, timeoutMs: client.timeoutMs, validateOnly: false };
  const { results } = await toController(client, CreatePartitions, body, (answer) => {
    return answer.results[0]?.errorCode;
  });
  const answer = results[0]!;
  assertOk(answer.errorCode, `topic ${name}`, answer.errorMessage);
  client.forget(name);
}

/**
 * Sends a request to the controller. Retries only while no controller can be reached, or when the
 * broker answers NOT_CONTROLLER: a request without a response may have taken effect.
 */
async function toController<Q extends Fields, S extends Fields>(
  client: Client,
  api: Api<Q, S>,
  body: Input<Q>,
  errorCodeOf: (answer: Output<S>) => number | undefined,
): Promise<Output<S>> {
  const deadline = new Deadline(client.timeoutMs);
  for (let tries = 0; ; tries++) {
    const connection = await client.retrying("reaching the controller", async () => {
      const { controllerId } = await client.cluster();
      if (controllerId < 0) return client.anyConnection();
      return client.connectionTo(controllerId);
    });
    const answer = await connection.request(api, body);
    const moved = errorCodeOf(answer) === ErrorCode.NOT_CONTROLLER;
    if (!moved || deadline.remainingMs === 0) return answer;
    await sleep(backoffMs(tries));
  }
}
