import type { LogId, LogOptions } from "../log/log.ts";
import { CLUSTER_METADATA_TOPIC, CLUSTER_METADATA_TOPIC_ID } from "./topic-names.ts";

export const METADATA_LOG: LogId = {
  topic: CLUSTER_METADATA_TOPIC,
  topicId: CLUSTER_METADATA_TOPIC_ID,
  partition: 0,
};

const WEEK_MS = 7 * 24 * 3600 * 1000;

export const METADATA_LOG_OPTIONS: LogOptions = {
  segmentBytes: 64 * 1024 * 1024,
  segmentMs: WEEK_MS,
  indexIntervalBytes: 4096,
  // If a block of producer ids were lost, its ids would be given to other producers again.
  essential: true,
};
