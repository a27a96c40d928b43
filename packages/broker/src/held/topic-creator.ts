import { ErrorCode } from "@tarpan/protocol";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { CREATE_TOPIC_RETRY_MS } from "./limits.ts";

interface Parts {
  readonly env: Pick<Env, "timers">;
  readonly metadata: Pick<Metadata, "controller">;
  readonly logger: Logger;
}

/**
 * Begins to create topics for dead letters. Every letter that waits for a topic asks for it, so a
 * topic that is being created, or that can't be, is not asked for again at once.
 */
export function topicCreator({ env, metadata, logger }: Parts): (name: string) => void {
  const asked = new Set<string>();
  return (name) => {
    if (asked.has(name)) return;
    asked.add(name);
    void create(name);
  };

  async function create(name: string): Promise<void> {
    const defaults = { numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] };
    const request = { topics: [{ name, ...defaults }], validateOnly: false, internal: false };
    const { topics } = await metadata.controller.createTopics(request);
    const { errorCode, errorMessage } = topics[0]!;
    if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) {
      asked.delete(name);
      return;
    }
    logger.warn(`dead letters wait, because topic ${name} can't be created: ${errorMessage}`);
    env.timers.after(CREATE_TOPIC_RETRY_MS, () => asked.delete(name));
  }
}
