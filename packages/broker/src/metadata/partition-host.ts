import type { LogId } from "../log/log.ts";
import type { PartitionImage } from "./image.ts";

/**
 * Creates and deletes the logs of partitions for the controller. A log is created before the record
 * of its partition is appended, so that the metadata never has a partition without a log.
 * Partitions are opened and closed later, from `Metadata.onChange`.
 */
export interface PartitionHost {
  /**
   * Creates new, empty logs, durably. If one can't be created the promise rejects, and the caller
   * passes the others to `discardLogs`. A standalone broker creates only logs of its own replicas.
   */
  createLogs(logs: readonly NewLog[]): Promise<void>;
  /**
   * Deletes logs whose topic was not created in the end; a missing one is no error. A crash before
   * this leaves logs that belong to no topic; a standalone broker deletes them at its next start.
   */
  discardLogs(ids: readonly LogId[]): Promise<void>;
}

export interface NewLog {
  readonly id: LogId;
  /** Brokers that shall hold a replica. */
  readonly replicas: readonly number[];
}

/** The logs of a topic's new partitions, the first of which has index `from`. */
export function newLogs(
  topic: string,
  topicId: string,
  from: number,
  partitions: readonly PartitionImage[],
): NewLog[] {
  return partitions.map(({ replicas }, index) => {
    return { id: { topic, topicId, partition: from + index }, replicas };
  });
}
