import type { ErrorCode } from "@tarpan/protocol";

/** One partition of a producer's transaction. */
export interface PartitionInTransaction {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly topic: string;
  readonly partition: number;
}

/** Asks the coordinators of transactions about partitions (KIP-890). */
export interface TransactionVerifier {
  /**
   * Whether the producer's ongoing transaction holds the partition; with `adds`, the partition is
   * added first (transactions v2). Resolves to NONE or the error code for the client.
   */
  verify(wanted: PartitionInTransaction, adds: boolean): Promise<ErrorCode>;
}
