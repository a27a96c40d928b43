import type { Logger } from "../logging/logger.ts";
import type { MetadataDelta } from "../metadata/delta.ts";
import type { MetadataImage } from "../metadata/image.ts";

/** Says which brokers came, went, and may lead partitions or not, as the metadata has it. */
export function tellOfBrokers(
  { brokers: changed }: MetadataDelta,
  { brokers }: MetadataImage,
  { logger, named }: { logger: Logger; named: (brokerId: number) => string },
): void {
  // The first image is no news.
  const areFirst = changed.every(({ before }) => before === null);
  if (areFirst && changed.length === brokers.size) return;
  for (const { id, before, now } of changed) {
    if (now === null) logger.info(`cluster: ${named(id)} was removed`);
    else if (before?.incarnationId !== now.incarnationId) {
      const { host, port } = now;
      logger.info(`cluster: ${named(id)} has registered`, { host, port });
    } else if (before.fenced !== now.fenced) {
      const what = now.fenced ? "is fenced and leads nothing" : "is not fenced any more";
      logger.info(`cluster: ${named(id)} ${what}`);
    }
  }
}
