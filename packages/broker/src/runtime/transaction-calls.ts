import { AddPartitionsToTxn, ErrorCode, WriteTxnMarkers } from "@tarpan/protocol";
import type { ClusterAccess } from "../cluster/cluster-access.ts";
import { answerTransactions } from "../handlers/24-add-partitions-to-txn.ts";
import { writeMarkers } from "../handlers/27-write-txn-markers.ts";
import type { Services } from "../handlers/handler.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { BROKER_CALL_TIMEOUT_MS } from "../transactions/limits.ts";
import type { WriteMarkers } from "../transactions/marker-sender.ts";
import type { AskPartitions } from "../transactions/other-coordinators.ts";

interface TransactionCalls {
  readonly writeMarkers: WriteMarkers;
  readonly askPartitions: AskPartitions;
}

/** How the coordinators of transactions on this broker reach partitions and other coordinators. */
export function transactionCalls(
  cluster: ClusterAccess | null,
  { nodeId }: Metadata,
  services: () => Services,
): TransactionCalls {
  const timeoutMs = BROKER_CALL_TIMEOUT_MS;
  return {
    async writeMarkers(brokerId, markers) {
      if (brokerId === nodeId) return writeMarkers(markers, services());
      const answer = await cluster!.rpc.call(WriteTxnMarkers, brokerId, { markers }, timeoutMs);
      return answer.markers;
    },
    async askPartitions(brokerId, transactions) {
      const asked = { transactions };
      const answer = await cluster!.rpc.call(AddPartitionsToTxn, brokerId, asked, timeoutMs);
      return answer.resultsByTransaction;
    },
  };
}

/** Answers what other brokers ask, until the returned function is called. */
export function serveTransactions(cluster: ClusterAccess | null, services: Services): () => void {
  if (cluster === null) return () => {};
  const ends = [
    cluster.rpc.serve(WriteTxnMarkers, async ({ markers }) => {
      return { markers: await writeMarkers(markers, services) };
    }),
    cluster.rpc.serve(AddPartitionsToTxn, async ({ transactions }) => {
      const resultsByTransaction = await answerTransactions(transactions, services);
      return { errorCode: ErrorCode.NONE, resultsByTransaction };
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}
