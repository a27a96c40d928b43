import type { ClusterAccess } from "../cluster/cluster-access.ts";
import type { Services } from "../handlers/handler.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { ClientQuotaManager } from "../quotas/client-quota-manager.ts";
import { TakeMutations } from "../rpc/messages/index.ts";
import { RpcError } from "../rpc/rpc-error.ts";

const TIMEOUT_MS = 2_000;

/**
 * The controller measures what a client creates and deletes through all brokers. If it can't be
 * asked, because it is of an older release or another one is elected, this broker measures it.
 */
export function mutationTaker(
  cluster: ClusterAccess | null,
  metadata: Metadata,
  quotas: ClientQuotaManager,
): Services["takeMutations"] {
  return async (asked) => {
    const { controllerId, nodeId } = metadata;
    if (cluster === null || controllerId < 0 || controllerId === nodeId) {
      return quotas.takeMutations(asked);
    }
    try {
      const { throttleTimeMs: throttleMs, granted } = await cluster.rpc.call(
        TakeMutations,
        controllerId,
        { ...asked, partitions: [...asked.partitions] },
        TIMEOUT_MS,
      );
      return { throttleMs, granted };
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      return quotas.takeMutations(asked);
    }
  };
}

/** Measures for other brokers, until the returned function is called. */
export function serveMutations(cluster: ClusterAccess | null, services: Services): () => void {
  if (cluster === null) return () => {};
  return cluster.rpc.serve(TakeMutations, async (asked) => {
    const { throttleMs, granted } = services.quotas.takeMutations(asked);
    return { throttleTimeMs: throttleMs, granted: [...granted] };
  });
}
