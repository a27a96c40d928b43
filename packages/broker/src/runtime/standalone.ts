import type { BrokerSettings } from "../config/settings.ts";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import { Metadata } from "../metadata/metadata.ts";
import { followMetadata, hostedPartitions } from "../partition/follow-metadata.ts";
import { Partitions } from "../partition/partitions.ts";
import type { BrokerState } from "./broker-state.ts";
import { openStorage, type Storage, type StorageContext } from "./local-storage.ts";
import { tellRecovery } from "./tell-recovery.ts";

/** A broker that is its own controller: replays the metadata and opens every partition. */
export async function openAlone(
  settings: BrokerSettings,
  context: StorageContext,
): Promise<BrokerState> {
  const storage = await openStorage(settings, context);
  try {
    const own = { ...settings, nodeId: storage.nodeId };
    const { metadata, partitions } = await openState(own, storage, context.env, context.logger);
    return {
      nodeId: storage.nodeId,
      engine: storage.engine,
      metadata,
      partitions,
      unclean: storage.recovery !== null,
      cluster: null,
      leave: async () => {},
      async close(options) {
        await metadata.settled();
        await partitions.close();
        await storage.close(options);
      },
    };
  } catch (error) {
    await storage.close({ clean: false });
    throw error;
  }
}

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
    isIsolated: () => false,
    isKnown: (topic, index) => metadata.hasPartition(topic, index),
  });
  const metadata: Metadata = await Metadata.open({
    log: storage.metadataLog,
    host: partitions,
    env,
    nodeId: settings.nodeId,
    clusterId: storage.clusterId,
    kafkaConfigs: settings.kafkaConfigs,
    onProgress: ({ offset, endOffset }) =>
      logger.info(`reading the metadata: ${offset} of ${endOffset} records`),
  });
  const hosted = hostedPartitions(metadata, metadata.image);
  if (storage.recovery === null) await partitions.open(hosted);
  else {
    // The metadata's own log was the first.
    const total = hosted.length + 1;
    await tellRecovery(storage.recovery, total, { env, logger }, () => partitions.open(hosted));
    await partitions.removeStrays(({ topicId }) => metadata.image.topicsById.has(topicId));
  }
  followMetadata(metadata, partitions);
  return { metadata, partitions };
}
