// Shows where the replicas of a log are, and moves them.
import type { LogId } from "../log.ts";
import { LogError } from "../log-error.ts";
import type { ReplicaStates } from "../replication.ts";
import { isRefusal, type JetStreamRefusal, type StreamApi, type StreamInfo } from "./stream-api.ts";
import { logIdOf, type Placement, replicasConfig, streamNameOf } from "./stream-config.ts";
import { ErrorCode } from "./transport.ts";

/** Refusals of a change while an earlier one is still being carried out. */
const IN_PROGRESS = [ErrorCode.streamMoveInProgress, ErrorCode.streamReconfigureInProgress];

/**
 * Starts moving the log's replicas to exactly these brokers. JetStream can change the number of
 * replicas or their placement, but not both at once. Rejects with LogError `busy` when a change is
 * in progress, or when this was only the first step: call it again for the next one.
 */
export async function moveReplicas(
  api: StreamApi,
  placement: Placement | null,
  id: LogId,
  replicas: readonly number[],
): Promise<void> {
  const stream = streamNameOf(id);
  const info = await api.info(stream);
  const wanted = replicasConfig(replicas, placement);
  const { placement: before, ...config } = info.config;
  if (config.num_replicas !== wanted.num_replicas) {
    if (wanted.num_replicas < config.num_replicas)
      await keepLeader(api, placement, info, id, replicas);
    // Without a placement: JetStream refuses to change it together with the number.
    await update(api, stream, { ...config, num_replicas: wanted.num_replicas });
    if (!wanted.placement && !placement) return;
    throw busy(stream, "the number of replicas is being changed");
  }
  if (!placement || isPlaced(before?.tags, wanted.placement?.tags)) return;
  // An empty placement removes the old one; leaving it out would keep the old one.
  await update(api, stream, { ...config, placement: wanted.placement ?? {} });
}

/** Call it before replicas are removed: JetStream keeps the Raft leader's replica. */
async function keepLeader(
  api: StreamApi,
  placement: Placement | null,
  info: StreamInfo,
  id: LogId,
  replicas: readonly number[],
): Promise<void> {
  const leader = info.cluster?.leader;
  if (!placement || !leader || replicas.includes(placement.brokerOf(leader) ?? -1)) return;
  const current = (info.cluster?.replicas ?? []).filter((replica) => replica.current);
  const names = current.map(({ name }) => placement.brokerOf(name) ?? -1);
  const successor = names.find((brokerId) => replicas.includes(brokerId));
  if (successor === undefined) return;
  await moveRaftLeader(api, placement, id, successor);
  throw busy(info.config.name, "its Raft leader is being moved first");
}

function isPlaced(before: readonly string[] = [], wanted: readonly string[] = []): boolean {
  return [...before].sort().join() === [...wanted].sort().join();
}

async function update(api: StreamApi, stream: string, config: object): Promise<void> {
  await api.ask(`STREAM.UPDATE.${stream}`, config).catch((error: unknown) => {
    if (IN_PROGRESS.some((code) => isRefusal(error, code)))
      throw busy(stream, (error as JetStreamRefusal).message);
    throw error;
  });
}

function busy(stream: string, why: string): LogError {
  return new LogError("busy", `stream ${stream}: ${why}: try again later`);
}

/** Succeeds also when the broker leads already, or when there is only one server. */
export async function moveRaftLeader(
  api: StreamApi,
  placement: Placement | null,
  id: LogId,
  brokerId: number,
): Promise<void> {
  if (!placement) return;
  const preferred = placement.serverOf(brokerId);
  const stream = streamNameOf(id);
  try {
    await api.ask(`STREAM.LEADER.STEPDOWN.${stream}`, { placement: { preferred } });
  } catch (error) {
    if (isRefusal(error, ErrorCode.clusterRequired)) return;
    const isLeader =
      isRefusal(error, ErrorCode.clusterNoPeers) && (error as Error).message.includes("already");
    if (!isLeader) throw error;
  }
}

export function statesOf(info: StreamInfo, placement: Placement): ReplicaStates | null {
  const id = logIdOf(info.config);
  if (!id) return null;
  const { leader, replicas = [] } = info.cluster ?? {};
  const raftLeader = leader ? placement.brokerOf(leader) : null;
  const states: { brokerId: number; current: boolean; lag: number }[] = [];
  if (raftLeader !== null) states.push({ brokerId: raftLeader, current: true, lag: 0 });
  for (const { name, current, offline = false, lag = 0 } of replicas) {
    const brokerId = placement.brokerOf(name);
    if (brokerId !== null) states.push({ brokerId, current: current && !offline, lag });
  }
  return { id, raftLeader, sizeBytes: info.state.bytes, replicas: states };
}
