import type { LogId } from "../log/log.ts";
import type { LogEngine } from "../log/log-engine.ts";
import { LogError } from "../log/log-error.ts";
import type { Logger } from "../logging/logger.ts";
import type { MetadataDelta } from "../metadata/delta.ts";
import type { TopicImage } from "../metadata/image.ts";

/**
 * Deletes the logs of topics that a committed change has deleted. It never looks for logs that
 * belong to no topic: a deposed controller does not know the newest topics and would delete theirs.
 */
export async function deleteLogsOfTopics(
  engine: LogEngine,
  logger: Logger,
  { topics }: MetadataDelta,
): Promise<void> {
  const gone = topics.filter(({ now }) => now === null);
  const ids = gone.flatMap(({ before }) => logsOf(before!));
  await Promise.all(ids.map((id) => deleteLog(engine, logger, id)));
}

function logsOf({ name, id, partitions }: TopicImage): LogId[] {
  return partitions.map((_, partition) => ({ topic: name, topicId: id, partition }));
}

async function deleteLog(engine: LogEngine, logger: Logger, id: LogId): Promise<void> {
  try {
    await engine.delete(id);
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    const name = `${id.topic}-${id.partition}`;
    logger.warn(
      `the log of the deleted partition ${name} could not be deleted: delete its stream in NATS`,
      { error },
    );
  }
}
