import type { Logger } from "../logging/logger.ts";
import type { MetadataDelta } from "../metadata/delta.ts";
import type { MetadataImage } from "../metadata/image.ts";

/** Logs which brokers were registered, removed, fenced and unfenced. */
export function logBrokerChanges(
  { brokers: changed }: MetadataDelta,
  { brokers }: MetadataImage,
  { logger, named }: { logger: Logger; named: (brokerId: number) => string },
): void {
  // In the first image every broker is new to this one, although none has just registered.
  const areFirst = changed.every(({ before }) => before === null);
  if (areFirst && changed.length === brokers.size) return;
  for (const { id, before, now } of changed) {
    if (now === null) logger.info(`cluster: ${named(id)} was removed`);
    else if (before?.incarnationId !== now.incarnationId) {
      const { host, port } = now;
      logger.info(`cluster: ${named(id)} was registered`, { host, port });
    } else if (before.fenced !== now.fenced) {
      const what = now.fenced ? "is fenced and leads nothing" : "is unfenced and may lead";
      logger.info(`cluster: ${named(id)} ${what}`);
    }
  }
}
