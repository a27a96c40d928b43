import { type LogEngine, LogError, type LogId, type LogOptions } from "../log/log.ts";
import type { Logger } from "../logging/logger.ts";
import type { MetadataImage, TopicImage } from "../metadata/image.ts";
import { METADATA_LOG } from "./metadata-log.ts";

/** Deletes the logs of topics that a change has deleted. What fails is a stray for the next start. */
export async function deleteLogsOfTopics(
  engine: LogEngine,
  logger: Logger,
  previous: MetadataImage,
  next: MetadataImage,
): Promise<void> {
  if (previous.topicsById === next.topicsById) return;
  const ids: LogId[] = [];
  for (const topic of previous.topicsById.values()) {
    if (!next.topicsById.has(topic.id)) ids.push(...logsOf(topic));
  }
  await Promise.all(ids.map((id) => deleteLog(engine, logger, id)));
}

/**
 * Deletes empty logs that no topic owns: a controller went away between their making and the topic's
 * record, or after the topic's deletion. One that holds records is only set aside: it may be the
 * metadata that was lost.
 */
export async function deleteStrays(
  engine: LogEngine,
  logger: Logger,
  image: () => MetadataImage,
  options: LogOptions,
): Promise<void> {
  try {
    for (const id of await engine.list()) {
      if (id.topicId === METADATA_LOG.topicId || image().topicsById.has(id.topicId)) continue;
      const log = await engine.replication!.follow(id, options);
      const { endOffset } = log;
      await log.close();
      // A topic that is being created has its logs before its record.
      if (image().topicsById.has(id.topicId)) continue;
      if (endOffset > 0) {
        logger.warn(`${id.topic}-${id.partition} holds records but belongs to no topic`);
        await engine.setAside(id);
      }
    }
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    logger.warn("logs that no topic owns could not be looked for", { error });
  }
}

function logsOf({ name, id, partitions }: TopicImage): LogId[] {
  return partitions.map((_, partition) => ({ topic: name, topicId: id, partition }));
}

async function deleteLog(engine: LogEngine, logger: Logger, id: LogId): Promise<void> {
  try {
    await engine.delete(id);
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    logger.warn(`the log of ${id.topic}-${id.partition} could not be deleted`, { error });
  }
}
