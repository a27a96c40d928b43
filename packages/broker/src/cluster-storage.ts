import type { ClusterEngine } from "./cluster/cluster-engine.ts";
import { MemberFile } from "./cluster/member-file.ts";
import { NatsBus } from "./cluster/nats-bus.ts";
import type { Env, Timer } from "./env.ts";
import { JetStreamEngine } from "./log/jetstream/engine.ts";
import { NatsTransport } from "./log/jetstream/nats-transport.ts";
import { nestedDirectories } from "./log/segment/data-directory.ts";
import { lockDirectory } from "./log/segment/lock.ts";
import type { Logger } from "./logging/logger.ts";
import { brokerIdOf, serverNameOf, serverTagOf } from "./nats/names.ts";
import { keptNodeId } from "./nats/node-id.ts";
import { removeServerOf } from "./nats/remove-server.ts";
import { type Engine, startEngine } from "./nats/start-engine.ts";
import type { BrokerSettings } from "./settings.ts";

export interface ClusterStorageContext {
  readonly env: Env;
  readonly logger: Logger;
  readonly nodeIdGiven: boolean;
  readonly stopping: AbortSignal;
}

const FACTS_INTERVAL_MS = 5_000;

/**
 * The engine of a cluster's broker, and who it is. Waits for as many others as NATS needs. Rejects
 * with an operational error, or with the reason of `stopping`.
 */
export async function openClusterEngine(
  settings: BrokerSettings,
  { env, logger, nodeIdGiven, stopping }: ClusterStorageContext,
): Promise<{ engine: ClusterEngine; nodeId: number }> {
  const { dataDirectory, flush, cluster } = settings;
  await env.fs.makeDirectory(dataDirectory);
  const unlock = await lockDirectory(dataDirectory, env);
  try {
    const nested = await nestedDirectories(dataDirectory, env.fs);
    for (const line of nested) logger.warn(line);
    const nodeId = await keptNodeId(dataDirectory, env, nodeIdGiven ? settings.nodeId : null);
    const file = new MemberFile(env.fs, dataDirectory);
    if ((await file.read()) === "removed") throw file.removed(nodeId);
    const common = { dataDirectory, nodeId, flush, env, logger, signal: stopping };
    const nats = await startEngine(cluster!, common);
    return { engine: await clusterEngine(nats, env, logger, unlock), nodeId };
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function clusterEngine(
  nats: Engine,
  env: Env,
  logger: Logger,
  unlock: () => Promise<void>,
): Promise<ClusterEngine> {
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
      await logs.close();
      await nats.stop();
      await unlock();
    },
  };
}
