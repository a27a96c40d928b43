import type { ErrorCode } from "@tarpan/protocol";
import type { ReadableLog } from "../log/log.ts";
import type { AbortedTransaction } from "./aborted-transactions.ts";

/** A partition that consumers read, on its leader or on a follower. */
export interface ReadablePartition {
  readonly log: Pick<ReadableLog, "read" | "startOffset">;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  /** One past the last record a read_committed consumer may see. */
  readonly lastStableOffset: number;
  /** The aborted transactions that readers of these batches, from `offset` on, must know. */
  abortedIn(records: readonly Uint8Array[], offset: number): readonly AbortedTransaction[];
  /** Traffic since the partition was opened. */
  readonly traffic: { bytesOut: number };
  /** Largest epoch at or below `epoch` and where it ends (OffsetForLeaderEpoch). */
  endOfEpoch(epoch: number): { epoch: number; endOffset: number };
  /**
   * Calls `wake` after each advance of the high watermark, until the returned function is called.
   */
  onAdvance(wake: Wake): () => void;
}

/** Takes the number of new bytes that can be read; Infinity if the fetch must read in any case. */
export type Wake = (sizeBytes: number) => void;

/** Reading from replicas of partitions that other brokers lead (KIP-392). */
export interface Followers {
  /** The broker that a consumer in `rack` should read from; null when that is this one. */
  nearest(topic: string, index: number, rack: string): number | null;
  /** A partition that another broker leads, or the error code if this broker cannot serve it. */
  find(topic: string, index: number): Promise<ReadablePartition | ErrorCode>;
  close(): Promise<void>;
}
