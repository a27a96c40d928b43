import type { Logger } from "../logging/logger.ts";
import type { MetadataImage } from "../metadata/image.ts";

/** Says which brokers came, went, and may lead partitions or not, as the metadata has it. */
export function tellOfBrokers(
  previous: MetadataImage,
  next: MetadataImage,
  { logger, named }: { logger: Logger; named: (brokerId: number) => string },
): void {
  // The first image is no news.
  if (previous.brokers === next.brokers || previous.brokers.size === 0) return;
  for (const { id, incarnationId, fenced, host, port } of next.brokers.values()) {
    const before = previous.brokers.get(id);
    if (before?.incarnationId !== incarnationId) {
      logger.info(`cluster: ${named(id)} has registered`, { host, port });
    } else if (before.fenced !== fenced) {
      const now = fenced ? "is fenced and leads nothing" : "is not fenced any more";
      logger.info(`cluster: ${named(id)} ${now}`);
    }
  }
  for (const id of previous.brokers.keys()) {
    if (!next.brokers.has(id)) logger.info(`cluster: ${named(id)} was removed`);
  }
}
