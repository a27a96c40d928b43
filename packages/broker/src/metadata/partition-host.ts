import type { LogId } from "../log/log.ts";
import type { PartitionImage } from "./image.ts";

/**
 * Whoever keeps the logs of the partitions this broker hosts. Partitions are opened and closed
 * from `Metadata.onChange`; these two come before a change, so that a partition never exists in
 * the metadata without its log.
 */
export interface PartitionHost {
  /**
   * Makes new, empty logs, durably, as much at a time as is sensible. When one can't be made the
   * promise rejects, and the ones that were made are left to `discardLogs`. Logs that only other
   * brokers hold are theirs to make.
   */
  createLogs(logs: readonly NewLog[]): Promise<void>;
  /**
   * Removes logs whose topic never came to be; one that is not there is no error. A crash before
   * this leaves logs that no topic owns, which the host removes at its start.
   */
  discardLogs(ids: readonly LogId[]): Promise<void>;
}

export interface NewLog {
  readonly id: LogId;
  /** Brokers that shall hold a replica. */
  readonly replicas: readonly number[];
}

/** Those of a topic's partitions from number `from` on. */
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
