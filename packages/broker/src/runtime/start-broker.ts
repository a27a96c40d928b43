import { setMaxListeners } from "node:events";
import { crc32c } from "@tarpan/codecs";
import { BrokerStatus } from "../admin/broker-status.ts";
import { groupsAdmin } from "../admin/open-groups.ts";
import { ConfigError } from "../config/config-error.ts";
import { advertisedListener } from "../config/kafka/listener.ts";
import { brokerConfigRefusal, ignoredConfigWarnings } from "../config/kafka/start-configs.ts";
import type { BrokerSettings } from "../config/settings.ts";
import type { Env } from "../env/env.ts";
import { nodeEnv } from "../env/node-env.ts";
import { FetchSessions } from "../fetch/fetch-sessions.ts";
import { GroupCoordinator } from "../groups/coordinator.ts";
import { handlers } from "../handlers/index.ts";
import { HandlerRouter } from "../handlers/request-router.ts";
import { createHttpEntrance } from "../http/entrance.ts";
import { type Logger, silentLogger } from "../logging/logger.ts";
import { ThrottledWarnings } from "../logging/throttled-warnings.ts";
import { registeredAddress } from "../metadata/advertised-address.ts";
import { RequestMetrics } from "../metrics/request-metrics.ts";
import { allowAll } from "../security/authorizer.ts";
import { limitsOn } from "../server/limits.ts";
import { type Listener, startListener } from "../server/listener.ts";
import { warnOfRefused } from "../server/warn-of-refused.ts";
import { unlessAborted } from "../util/unless-aborted.ts";
import type { BrokerState } from "./broker-state.ts";
import type { ClusterContext } from "./clustered.ts";
import { loadLater } from "./load-later.ts";
import { OpeningRouter } from "./opening-router.ts";
import { openAlone } from "./standalone.ts";

export interface StartOptions {
  /** Silent when left out. */
  readonly logger?: Logger;
  /** False lets a node id kept in the data directory go before the one of the settings. */
  readonly nodeIdGiven?: boolean;
  /** Aborts a start that waits for other brokers; the promise then rejects. */
  readonly stopping?: AbortSignal;
  /** Told what a start waits for, and again every few seconds. */
  readonly onWaiting?: (what: string) => void;
}

/** A broker that serves. */
export interface RunningBroker {
  readonly host: string;
  /** The real port, also when any was asked for. */
  readonly port: number;
  /** `host:port`, as clients want it. */
  readonly bootstrap: string;
  readonly nodeId: number;
  readonly clusterId: string;
  /** Serves no further request, finishes those in progress, makes everything durable. */
  stop(): Promise<void>;
}

/**
 * Opens the storage, replays the metadata, opens the partitions and listens. Rejects with an
 * operational error (`code` TARPAN_…, one line that says what to do): nothing is left open then.
 * A broker of a cluster waits for as many others as the cluster needs.
 */
export async function startBroker(
  settings: BrokerSettings,
  { logger = silentLogger, nodeIdGiven = true, stopping, onWaiting }: StartOptions = {},
): Promise<RunningBroker> {
  const env = nodeEnv;
  refuseBadSettings(settings);
  for (const warning of ignoredConfigWarnings(settings.kafkaConfigs)) logger.warn(warning);
  const given = { ...defaultsOf(settings), ...settings.kafkaConfigs };
  const kafkaConfigs = { ...given, ...factsOf(settings) };
  const starting = { nodeIdGiven, stopping, onWaiting };
  const opening = open({ ...settings, kafkaConfigs }, env, logger, starting);
  // Loads the native module while the disk is at work, not in the first Produce.
  crc32c(new Uint8Array(0));
  const state = await opening;
  // A broker that is alone never waits long: it gets there, and stops then.
  const waits = settings.cluster === null ? undefined : stopping;
  try {
    const own = { ...settings, nodeId: state.nodeId };
    return await serve(own, state, { env, logger, stopping: waits });
  } catch (error) {
    await state.close({ clean: false });
    throw error;
  }
}

type Starting = Pick<ClusterContext, "nodeIdGiven" | "stopping" | "onWaiting">;

async function open(
  settings: BrokerSettings,
  env: Env,
  logger: Logger,
  { nodeIdGiven, stopping, onWaiting }: Starting,
): Promise<BrokerState> {
  if (settings.cluster === null) return openAlone(settings, { env, logger, nodeIdGiven });
  // What a broker alone never needs it never loads.
  const { openInCluster } = await import("./clustered.ts");
  return openInCluster(settings, { env, logger, nodeIdGiven, stopping, onWaiting });
}

/** What would otherwise weaken the broker without a word, whoever made the settings. */
function refuseBadSettings({ flush, kafkaConfigs: configs }: BrokerSettings): void {
  const modes: readonly unknown[] = ["always", "interval", "never"];
  if (!modes.includes(flush?.mode)) {
    throw new ConfigError(`flush: its mode must be ${modes.join(" | ")}`);
  }
  for (const [name, value] of Object.entries(configs)) {
    const problem = brokerConfigRefusal(name, value);
    if (problem !== null) throw new ConfigError(problem);
  }
  // Throws for one that is not PLAINTEXT.
  advertisedListener(configs);
}

interface ServeContext {
  readonly env: Env;
  readonly logger: Logger;
  /** Of the start, which waits for a controller. */
  readonly stopping: AbortSignal | undefined;
}

async function serve(
  settings: BrokerSettings,
  state: BrokerState,
  { env, logger, stopping: startStopping }: ServeContext,
): Promise<RunningBroker> {
  const { engine, metadata, partitions } = state;
  const startedMs = env.clock.monotonicMs();
  const config = metadata.brokerConfig();
  const requests = new RequestMetrics();
  const router = new OpeningRouter();
  const groups = new GroupCoordinator({ env, metadata, partitions, logger });
  let serving = false;
  const onError = (message: string, detail: Readonly<Record<string, unknown>>) =>
    logger.error(message, detail);
  const warnings = new ThrottledWarnings(env, logger);
  const status: BrokerStatus = new BrokerStatus({
    engine,
    cluster: state.cluster,
    flush: settings.flush,
    metadata,
    partitions,
    requests,
    groups: groupsAdmin(state, { groups, logger, isServing: () => serving }),
    network: () => ({ ...listener.stats, connections: listener.connections }),
    uptimeMs: () => env.clock.monotonicMs() - startedMs,
    isServing: () => serving,
  });
  const listener: Listener = await startListener({
    host: settings.bindAddress,
    port: settings.bindPort,
    router,
    http: createHttpEntrance(status, onError),
    env,
    limits: { ...limitsOn(env.machine), maxIdleMs: config.connectionsMaxIdleMs },
    onError,
    onRefused: (refused) => warnOfRefused(refused, warnings, logger),
  });
  // What they wait for may never come here, and where they would get it they are to find out.
  state.cluster?.onIsolated(() => listener.cutKafka());
  const host = settings.bindAddress;
  const { port } = listener;
  const rack = settings.kafkaConfigs["broker.rack"] ?? null;
  const at = registeredAddress(settings, port);
  const registering = metadata.registerBroker({ ...at, rack, unclean: state.unclean });
  try {
    await unlessAborted(registering, startStopping);
  } catch (error) {
    await listener.close({ graceMs: 0 });
    warnings.close();
    throw error;
  }
  const slots = config.maxIncrementalFetchSessionCacheSlots;
  const fetchSessions = new FetchSessions(env.clock, env.random, slots);
  groups.load();
  const stopping = new AbortController();
  const { signal } = stopping;
  // Every long poll waits on it.
  setMaxListeners(0, signal);
  const own = { env, settings, logger, authorizer: allowAll };
  const parts = { ...own, metadata, partitions, fetchSessions, groups };
  const { cluster } = state;
  const others = cluster && {
    clusterAdmin: cluster.admin,
    followers: cluster.followers,
    replicaStates: () => cluster.states(),
  };
  const broker = { ...parts, ...others, stopping: signal };
  router.open(new HandlerRouter(handlers, broker, requests));
  serving = true;
  const loading = loadLater(env.timers, logger);
  return {
    host,
    port,
    bootstrap: `${host.includes(":") ? `[${host}]` : host}:${port}`,
    nodeId: settings.nodeId,
    clusterId: metadata.clusterId,
    async stop() {
      serving = false;
      loading.cancel();
      await state.leave();
      stopping.abort();
      // Members that wait for others would hold the listener up; their clients ask again.
      groups.close();
      await listener.close({ graceMs: STOP_GRACE_MS });
      warnings.close();
      await state.close();
    },
  };
}

/**
 * Where brokers replicate, a topic that nobody gave a number survives one of them: Kafka's default
 * of 1 would lose it with the first machine.
 */
function defaultsOf({ cluster }: BrokerSettings): Record<string, string> {
  return cluster?.engine.kind === "managed" ? { "default.replication.factor": "3" } : {};
}

/** What DescribeConfigs shows of settings that Kafka has as configs and Tarpan by other names. */
function factsOf({ storage, dataDirectory, bindAddress, bindPort }: BrokerSettings) {
  const listeners = `PLAINTEXT://${bindAddress}:${bindPort}`;
  return storage === "segment" ? { listeners, "log.dirs": dataDirectory } : { listeners };
}

/**
 * Requests in progress when the broker is told to stop have this long to be answered. Docker kills
 * what has not ended after 10 s, and the logs are still to be closed then.
 */
const STOP_GRACE_MS = 3_000;
