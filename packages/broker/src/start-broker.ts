import { setMaxListeners } from "node:events";
import { crc32c } from "@tarpan/codecs";
import { BrokerStatus } from "./broker-status.ts";
import { ConfigError } from "./config/config-error.ts";
import { BROKER_CONFIGS } from "./config/kafka/broker-configs.ts";
import { configProblem } from "./config/kafka/definition.ts";
import { nodeEnv } from "./env/node-env.ts";
import type { Env } from "./env.ts";
import { FetchSessions } from "./fetch/fetch-sessions.ts";
import { followMetadata, hostedPartitions } from "./follow-metadata.ts";
import { GroupStatus } from "./group-status.ts";
import { GroupCoordinator } from "./groups/coordinator.ts";
import { handlers } from "./handlers/index.ts";
import { HandlerRouter } from "./handlers/request-router.ts";
import { createHttpEntrance } from "./http/entrance.ts";
import { type Logger, silentLogger } from "./logging/logger.ts";
import { Metadata } from "./metadata/metadata.ts";
import { RequestMetrics } from "./metrics/request-metrics.ts";
import { OpeningRouter } from "./opening-router.ts";
import { Partitions } from "./partition/partitions.ts";
import { type Listener, startListener } from "./server/listener.ts";
import type { BrokerSettings } from "./settings.ts";
import { openStorage, type Storage } from "./storage.ts";

export interface StartOptions {
  /** Silent when left out. */
  readonly logger?: Logger;
  /** False lets a node id kept in the data directory go before the one of the settings. */
  readonly nodeIdGiven?: boolean;
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
 */
export async function startBroker(
  settings: BrokerSettings,
  { logger = silentLogger, nodeIdGiven = true }: StartOptions = {},
): Promise<RunningBroker> {
  const env = nodeEnv;
  refuseBadConfigs(settings.kafkaConfigs);
  const opening = openStorage(settings, { env, logger, nodeIdGiven });
  // Loads the native module while the disk is at work, not in the first Produce.
  crc32c(new Uint8Array(0));
  const storage = await opening;
  try {
    return await serve({ ...settings, nodeId: storage.nodeId }, storage, env, logger);
  } catch (error) {
    await storage.close({ clean: false });
    throw error;
  }
}

function refuseBadConfigs(configs: BrokerSettings["kafkaConfigs"]): void {
  for (const [name, value] of Object.entries(configs)) {
    const problem = configProblem(BROKER_CONFIGS, name, value);
    if (problem !== null) throw new ConfigError(problem);
  }
}

async function serve(
  settings: BrokerSettings,
  storage: Storage,
  env: Env,
  logger: Logger,
): Promise<RunningBroker> {
  const { metadata, partitions } = await openState(settings, storage, env, logger);
  const startedMs = env.clock.monotonicMs();
  const config = metadata.brokerConfig();
  const requests = new RequestMetrics();
  const router = new OpeningRouter();
  const groups = new GroupCoordinator({ env, metadata, partitions, logger });
  let serving = false;
  const onError = (message: string, detail: Readonly<Record<string, unknown>>) =>
    logger.debug(message, detail);
  const status: BrokerStatus = new BrokerStatus({
    engine: storage.engine,
    flush: settings.flush,
    metadata,
    partitions,
    requests,
    groups: new GroupStatus({ groups, metadata, partitions, isServing: () => serving }),
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
    limits: { maxIdleMs: config.connectionsMaxIdleMs },
    onError,
  });
  const host = settings.bindAddress;
  const { port } = listener;
  const rack = settings.kafkaConfigs["broker.rack"] ?? null;
  await metadata.registerBroker({ host, port, rack, unclean: storage.unclean });
  const slots = config.maxIncrementalFetchSessionCacheSlots;
  const fetchSessions = new FetchSessions(env.clock, env.random, slots);
  groups.load();
  const stopping = new AbortController();
  const { signal } = stopping;
  // Every long poll waits on it.
  setMaxListeners(0, signal);
  const parts = { env, settings, logger, metadata, partitions, fetchSessions, groups };
  const broker = { ...parts, stopping: signal };
  router.open(new HandlerRouter(handlers, broker, requests));
  serving = true;
  return {
    host,
    port,
    bootstrap: `${host.includes(":") ? `[${host}]` : host}:${port}`,
    nodeId: settings.nodeId,
    clusterId: metadata.clusterId,
    async stop() {
      serving = false;
      stopping.abort();
      // Members that wait for others would hold the listener up; their clients ask again.
      groups.close();
      await listener.close({ graceMs: STOP_GRACE_MS });
      await metadata.settled();
      await partitions.close();
      await storage.close();
    },
  };
}

/** Replays the metadata and opens every partition it says this broker leads. */
async function openState(
  settings: BrokerSettings,
  storage: Storage,
  env: Env,
  logger: Logger,
): Promise<{ metadata: Metadata; partitions: Partitions }> {
  const partitions: Partitions = new Partitions(storage.engine, env, logger, {
    producerExpirationMs: () => metadata.brokerConfig().producerIdExpirationMs,
    newLogSettings: () => metadata.topicConfig(""),
    nodeId: settings.nodeId,
    isKnown: (topic, index) => metadata.image.topics.get(topic)?.partitions[index] !== undefined,
  });
  const metadata: Metadata = await Metadata.open({
    log: storage.metadataLog,
    host: partitions,
    env,
    nodeId: settings.nodeId,
    clusterId: storage.clusterId,
    kafkaConfigs: { ...settings.kafkaConfigs, ...factsOf(settings) },
    onProgress: ({ offset, endOffset }) =>
      logger.info(`reading the metadata: ${offset} of ${endOffset} records`),
  });
  await partitions.open(hostedPartitions(metadata, metadata.image));
  if (storage.unclean) {
    await partitions.removeStrays(({ topicId }) => metadata.image.topicsById.has(topicId));
  }
  followMetadata(metadata, partitions);
  return { metadata, partitions };
}

/** What DescribeConfigs shows of settings that Kafka has as configs and Tarpan by other names. */
function factsOf({ storage, dataDirectory, bindAddress, bindPort }: BrokerSettings) {
  const listeners = `PLAINTEXT://${bindAddress}:${bindPort}`;
  return storage === "segment" ? { listeners, "log.dirs": dataDirectory } : { listeners };
}

/** Requests in progress when the broker is told to stop have this long to be answered. */
const STOP_GRACE_MS = 10_000;
