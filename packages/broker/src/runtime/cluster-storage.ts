import type { ClusterEngine } from "../cluster/cluster-engine.ts";
import { MemberFile } from "../cluster/member-file.ts";
import type { BrokerSettings } from "../config/settings.ts";
import type { Env } from "../env/env.ts";
import { JetStreamEngine } from "../log/jetstream/engine.ts";
import { nestedDirectories } from "../log/segment/data-directory.ts";
import { DiskSpace } from "../log/segment/disk-space.ts";
import { lockDirectory } from "../log/segment/lock.ts";
import { named } from "../logging/log-levels.ts";
import type { Logger } from "../logging/logger.ts";
import { brokerIdOf, serverNameOf, serverTagOf } from "../nats/names.ts";
import { resolveNodeId } from "../nats/node-id.ts";
import { syncedAfterMs } from "../nats/server-config.ts";
import { allOrNothing, type CloseStack } from "../util/close-stack.ts";
import type { ClusterServers, StartServers } from "./cluster-servers.ts";
import { FreshFacts } from "./fresh-facts.ts";
import { startNatsServers } from "./nats-servers.ts";

export interface ClusterStorageContext {
  readonly env: Env;
  /** See Outside. */
  readonly startServers: StartServers | null;
  readonly logger: Logger;
  readonly nodeIdGiven: boolean;
  readonly stopping: AbortSignal;
  /** See StartOptions. */
  readonly onWaiting?: ((what: string) => void) | undefined;
}

/**
 * Opens the engine of a cluster's broker, and finds the broker's id. Waits until a majority of the
 * servers run. Rejects with an operational error, or with the reason of `stopping`.
 */
export function openClusterEngine(
  settings: BrokerSettings,
  context: ClusterStorageContext,
): Promise<{ engine: ClusterEngine; nodeId: number }> {
  return allOrNothing(async (opened) => {
    const { env, stopping, onWaiting, startServers } = context;
    const logger = named(context.logger, "tarpan.nats");
    const { dataDirectory, flush, cluster, readCacheBytes } = settings;
    const nodeId = await takeDirectory(settings, context, opened);
    const common = { dataDirectory, nodeId, flush, env, logger, signal: stopping, onWaiting };
    const servers = await (startServers ?? startNatsServers)(cluster!, common);
    opened.add(() => servers.stop());
    const disk = await watchDisk(dataDirectory, servers, context);
    opened.add(() => disk?.close());
    const facts = await FreshFacts.start(env.timers, () => servers.facts());
    opened.add(() => facts.stop());
    return {
      engine: clusterEngine(servers, { disk, facts, opened, flush, readCacheBytes }, context),
      nodeId,
    };
  });
}

/** Locks the data directory. Resolves to the broker's id, which is kept there. */
async function takeDirectory(
  { dataDirectory, nodeId: wantedId, nodeName }: BrokerSettings,
  { env, logger, nodeIdGiven }: ClusterStorageContext,
  opened: CloseStack,
): Promise<number> {
  await env.fs.makeDirectory(dataDirectory);
  opened.add(await lockDirectory(dataDirectory, env));
  const nested = await nestedDirectories(dataDirectory, env.fs);
  for (const line of nested) logger.warn(line);
  const nodeId = await resolveNodeId(dataDirectory, env, nodeIdGiven ? wantedId : null, nodeName);
  const file = new MemberFile(env.fs, dataDirectory);
  if ((await file.read()) === "removed") throw file.removedError(nodeId);
  return nodeId;
}

/**
 * Watches the disk of the broker's own nats-server. After a full disk the server answers no
 * appends, even when there is room again, so it is restarted then.
 */
async function watchDisk(
  directory: string,
  { restartServer: restartOwn }: ClusterServers,
  { env, logger }: ClusterStorageContext,
): Promise<DiskSpace | null> {
  if (restartOwn === null) return null;
  return DiskSpace.open(directory, {
    env,
    alert: (line) => logger.error(line),
    report: (line) => logger.warn(line),
    means: "its nats-server can't store anything",
    watched: true,
    onRoom: restartOwn,
  });
}

interface EngineParts {
  /** Null if this broker runs no nats-server. */
  readonly disk: DiskSpace | null;
  readonly facts: FreshFacts;
  readonly opened: CloseStack;
  readonly flush: BrokerSettings["flush"];
  readonly readCacheBytes: number | undefined;
}

function clusterEngine(
  servers: ClusterServers,
  { disk, facts, opened, flush, readCacheBytes }: EngineParts,
  { env, logger }: ClusterStorageContext,
): ClusterEngine {
  const { transport, bus, removeServer } = servers;
  let brokers: () => readonly number[] = () => [];
  const placement = {
    tagOf: serverTagOf,
    serverOf: serverNameOf,
    brokerOf: brokerIdOf,
    brokers: () => brokers(),
  };
  const logs = new JetStreamEngine({
    transport,
    env,
    readCacheBytes,
    syncedAfterMs: syncedAfterMs(removeServer === null ? null : flush),
    log: (line) => named(logger, "tarpan.log").warn(line),
    // External servers place replicas by themselves.
    placement: removeServer === null ? null : placement,
    problem: () => disk?.problem ?? null,
  });
  opened.add(() => logs.close());
  return {
    logs,
    bus,
    removeServer,
    get facts() {
      return facts.now;
    },
    setBrokers(source) {
      brokers = source;
    },
    get problem() {
      return servers.problem;
    },
    close: () => opened.close(),
  };
}
