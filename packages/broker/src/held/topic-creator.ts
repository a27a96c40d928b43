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

/**
 * Creates topics for dead letters. Each message that needs one asks for it, each second as long as
 * it is missing: the controller is asked once, and again after a pause.
 */
export function topicCreator(parts: Parts): (name: string) => void {
  const { clock } = parts.env;
  const nextMs = new Map<string, number>();
  return (name) => {
    const nowMs = clock.monotonicMs();
    if (nowMs < (nextMs.get(name) ?? nowMs)) return;
    nextMs.set(name, nowMs + CREATE_AGAIN_MS);
    void create(name, parts).catch((error: Error) => warn(parts, name, error.message));
  };
}

async function create(name: string, parts: Parts): Promise<void> {
  const defaults = { numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] };
  const asked = { topics: [{ name, ...defaults }], validateOnly: false, internal: false };
  const { topics } = await parts.metadata.controller.createTopics(asked);
  const { errorCode, errorMessage } = topics[0]!;
  if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) return;
  warn(parts, name, errorMessage);
}

function warn({ logger }: Parts, name: string, why: string | null): void {
  logger.warn(`dead letters wait, because topic ${name} can't be created: ${why}`);
}
