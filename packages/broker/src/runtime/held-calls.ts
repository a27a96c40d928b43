import type { ErrorCode } from "@tarpan/protocol";
import type { ClusterAccess } from "../cluster/cluster-access.ts";
import { deliverHeld } from "../handlers/deliver-held.ts";
import type { Services } from "../handlers/handler.ts";
import { DELIVERY_TIMEOUT_MS } from "../held/limits.ts";
import type { Deliver } from "../held/sender.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { DeliverHeld } from "../rpc/messages/index.ts";

/** How held messages reach the partitions they are for, on this broker and on others. */
export function deliverer(
  cluster: ClusterAccess | null,
  { nodeId }: Metadata,
  services: () => Services,
): Deliver {
  return async (brokerId, attempt) => {
    if (brokerId === nodeId) return deliverHeld(attempt, services());
    const { errorCode, errorMessage } = await cluster!.rpc.call(
      DeliverHeld,
      brokerId,
      attempt,
      DELIVERY_TIMEOUT_MS,
    );
    return { errorCode: errorCode as ErrorCode, message: errorMessage };
  };
}

/** Appends what other brokers deliver, until the returned function is called. */
export function serveDeliveries(cluster: ClusterAccess | null, services: Services): () => void {
  if (cluster === null) return () => {};
  return cluster.rpc.serve(DeliverHeld, async (attempt) => {
    // The log takes ownership of the batch, and the frame belongs to the bus.
    const batch = attempt.batch.slice();
    const { errorCode, message } = await deliverHeld({ ...attempt, batch }, services);
    return { errorCode, errorMessage: message };
  });
}
