import { ErrorCode } from "@tarpan/protocol";
import type { Clock } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { CREATE_AGAIN_MS } from "./limits.ts";

interface Parts {
  readonly env: { readonly clock: Clock };
  readonly metadata: { readonly controller: Pick<Metadata["controller"], "createTopics"> };
  readonly logger: Logger;
}

/** A topic that the broker creates when it is first needed. */
export interface NewTopic {
  readonly name: string;
  /** For the operator: what waits for it. */
  readonly for: string;
  /** Without it, num.partitions of them. */
  readonly partitions?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/**
 * Creates topics for dead letters and checks. Each message that needs one asks for it, each second
 * as long as it is missing: the controller is asked once, and again after a pause.
 */
export function topicCreator(parts: Parts): (topic: NewTopic) => void {
  const { clock } = parts.env;
  const nextMs = new Map<string, number>();
  return (topic) => {
    const { name } = topic;
    const nowMs = clock.monotonicMs();
    if (nowMs < (nextMs.get(name) ?? nowMs)) return;
    nextMs.set(name, nowMs + CREATE_AGAIN_MS);
    void create(topic, parts).catch((error: Error) => warn(parts, topic, error.message));
  };
}

async function create(topic: NewTopic, parts: Parts): Promise<void> {
  const { name, partitions: numPartitions = -1, configs: own = {} } = topic;
  const configs = Object.entries(own).map(([key, value]) => ({ name: key, value }));
  const wanted = { name, numPartitions, replicationFactor: -1, assignments: [], configs };
  const asked = { topics: [wanted], validateOnly: false, internal: false };
  const { topics } = await parts.metadata.controller.createTopics(asked);
  const { errorCode, errorMessage } = topics[0]!;
  if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) return;
  warn(parts, topic, errorMessage);
}

function warn({ logger }: Parts, topic: NewTopic, why: string | null): void {
  logger.warn(`${topic.for} wait, because topic ${topic.name} can't be created: ${why}`);
}
