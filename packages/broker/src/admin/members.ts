import { ErrorCode } from "@tarpan/protocol";
import type { ClusterAccess } from "../cluster/cluster-access.ts";
import { partitionsOf } from "../metadata/image.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { AdminError, type AdminErrorKind } from "./admin-error.ts";
import type { ClusterPartition } from "./cluster-status.ts";
import type { BrokerRemoval, MembersAdmin } from "./members-admin.ts";

function kindOf(errorCode: number): AdminErrorKind {
  if (errorCode === ErrorCode.BROKER_ID_NOT_REGISTERED) return "not-found";
  return TEMPORARY.includes(errorCode) ? "unavailable" : "conflict";
}

/** Errors that may go away: there is no controller, or it can't write now. */
const TEMPORARY: readonly number[] = [
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.NOT_CONTROLLER,
  ErrorCode.KAFKA_STORAGE_ERROR,
];

/** Shows the cluster's partitions and removes brokers. */
export function membersAdmin(cluster: ClusterAccess, metadata: Metadata): MembersAdmin {
  return {
    partitions: () => clusterPartitions(cluster, metadata),
    get underReplicated() {
      let count = 0;
      for (const { partition } of partitionsOf(metadata.image)) {
        if (partition.isr.length < partition.replicas.length) count++;
      }
      return count;
    },
    remove: (brokerId) => remove(cluster, brokerId),
  };
}

async function clusterPartitions(
  cluster: ClusterAccess,
  { image }: Metadata,
): Promise<ClusterPartition[]> {
  const states = new Map(
    (await cluster.states()).map((state) => [`${state.id.topicId}-${state.id.partition}`, state]),
  );
  return [...partitionsOf(image)].map(({ topic, index, partition }) => {
    const { leader, leaderEpoch, replicas, isr } = partition;
    const state = states.get(`${topic.id}-${index}`);
    const lag = Object.fromEntries((state?.replicas ?? []).map((one) => [one.brokerId, one.lag]));
    const raftLeader = state?.raftLeader ?? null;
    const row = { topic: topic.name, partition: index, leader, leaderEpoch, replicas, isr };
    return { ...row, raftLeader, lag };
  });
}

async function remove(cluster: ClusterAccess, brokerId: number): Promise<BrokerRemoval> {
  const { errorCode, errorMessage, partitionsLeft, done } = await cluster.remove(brokerId);
  if (errorCode !== ErrorCode.NONE) {
    const text = errorMessage ?? `the controller answered with error ${errorCode}`;
    throw new AdminError(kindOf(errorCode), text);
  }
  return { partitionsLeft, done, message: errorMessage };
}
