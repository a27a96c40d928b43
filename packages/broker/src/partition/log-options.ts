import type { LogId, LogOptions } from "../log/log.ts";
import { isHeldTopic, isInternalTopic } from "../metadata/topic-names.ts";
import type { DedupeRules } from "./message-ids.ts";
import type { Partition } from "./partition.ts";
import type { PartitionSettings } from "./slot.ts";

/** `holder` is filled later, because the log must be opened before its partition. */
export function logOptions(
  { topic }: LogId,
  settings: PartitionSettings,
  holder: { partition?: Partition },
): LogOptions {
  const { segmentBytes, segmentMs, segmentJitterMs, indexIntervalBytes, fileDeleteDelayMs } =
    settings;
  const onAdvance = (sizeBytes: number) => holder.partition?.advanced(sizeBytes);
  const onSegments = { segmentBytes, segmentMs, segmentJitterMs, fileDeleteDelayMs };
  const usesReserve = isInternalTopic(topic) && !isHeldTopic(topic);
  return { ...onSegments, indexIntervalBytes, usesReserve, onAdvance };
}

/** The broker's default does not reach its own topics, whose records have no message ids. */
export function dedupeOf({ topic }: LogId, { dedupe }: PartitionSettings): DedupeRules | null {
  return isInternalTopic(topic) ? null : dedupe;
}
