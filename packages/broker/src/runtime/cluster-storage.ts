import type { ClusterEngine } from "../cluster/cluster-engine.ts";
import { MemberFile } from "../cluster/member-file.ts";
import { NatsBus } from "../cluster/nats-bus.ts";
import type { BrokerSettings } from "../config/settings.ts";
import type { Env, Timer } from "../env/env.ts";
import { JetStreamEngine } from "../log/jetstream/engine.ts";
import { NatsTransport } from "../log/jetstream/nats-transport.ts";
import { nestedDirectories } from "../log/segment/data-directory.ts";
import { DiskSpace } from "../log/segment/disk-space.ts";
import { lockDirectory } from "../log/segment/lock.ts";
import type { Logger } from "../logging/logger.ts";
import type { ManagedNatsServer } from "../nats/managed-server.ts";
import { brokerIdOf, serverNameOf, serverTagOf } from "../nats/names.ts";
import { keptNodeId } from "../nats/node-id.ts";
import { removeServerOf } from "../nats/remove-server.ts";
import { type Engine, startEngine } from "../nats/start-engine.ts";

export interface ClusterStorageContext {
  readonly env: Env;
  readonly logger: Logger;
  readonly nodeIdGiven: boolean;
  readonly stopping: AbortSignal;
  /** See StartOptions. */
  readonly onWaiting?: ((what: string) => void) | undefined;
}

const FACTS_INTERVAL_MS = 5_000;

/**
 * The engine of a cluster's broker, and who it is. Waits for as many others as NATS needs. Rejects
 * with an operational error, or with the reason of `stopping`.
 */
export async function openClusterEngine(
  settings: BrokerSettings,
  { env, logger, nodeIdGiven, stopping, onWaiting }: ClusterStorageContext,
): Promise<{ engine: ClusterEngine; nodeId: number }> {
  const { dataDirectory, flush, cluster } = settings;
  await env.fs.makeDirectory(dataDirectory);
  const unlock = await lockDirectory(dataDirectory, env);
  try {
    const nested = await nestedDirectories(dataDirectory, env.fs);
    for (const line of nested) logger.warn(line);
    const given = nodeIdGiven ? settings.nodeId : null;
    const nodeId = await keptNodeId(dataDirectory, env, given, settings.nodeName);
    const file = new MemberFile(env.fs, dataDirectory);
    if ((await file.read()) === "removed") throw file.removed(nodeId);
    const common = { dataDirectory, nodeId, flush, env, logger, signal: stopping, onWaiting };
    const nats = await startEngine(cluster!, common);
    const disk = nats.server && (await watchDisk(dataDirectory, nats.server, env, logger));
    return { engine: await clusterEngine({ nats, disk, env, logger, unlock }), nodeId };
  } catch (error) {
    await unlock();
    throw error;
  }
}

/**
 * A nats-server that met a full disk answers nobody who appends, and goes on like that when there
 * is room again, until it is started anew.
 */
function watchDisk(
  directory: string,
  server: ManagedNatsServer,
  env: Env,
  logger: Logger,
): Promise<DiskSpace> {
  return DiskSpace.open(directory, {
    env,
    alert: (line) => logger.error(line),
    report: (line) => logger.warn(line),
    means: "its nats-server can't store anything",
    watched: true,
    onRoom: () => server.restart(),
  });
}

interface ClusterParts {
  readonly nats: Engine;
  /** Null where somebody else runs the servers. */
  readonly disk: DiskSpace | null;
  readonly env: Env;
  readonly logger: Logger;
  readonly unlock: () => Promise<void>;
}

async function clusterEngine({
  nats,
  disk,
  env,
  logger,
  unlock,
}: ClusterParts): Promise<ClusterEngine> {
  let brokers: () => readonly number[] = () => [];
  const { admin } = nats;
  const placement = {
    tagOf: serverTagOf,
    serverOf: serverNameOf,
    brokerOf: brokerIdOf,
    brokers: () => brokers(),
  };
  const logs = new JetStreamEngine({
    transport: new NatsTransport(nats.nc, env),
    env,
    log: (line) => logger.warn(line),
    placement: admin === null ? null : placement,
    problem: () => disk?.problem ?? null,
  });
  let facts = await nats.facts();
  let timer: Timer | undefined;
  const refresh = async () => {
    facts = await nats.facts();
    timer = env.timers.after(FACTS_INTERVAL_MS, () => void refresh());
  };
  timer = env.timers.after(FACTS_INTERVAL_MS, () => void refresh());
  return {
    logs,
    bus: new NatsBus(nats.nc),
    removeServer: admin === null ? null : (id) => removeServerOf(admin, id),
    get facts() {
      return facts;
    },
    knowBrokers(source) {
      brokers = source;
    },
    get problem() {
      return nats.problem;
    },
    async close() {
      timer?.cancel();
      await disk?.close();
      await logs.close();
      await nats.stop();
      await unlock();
    },
  };
}
