import type { BrokerSettings } from "../config/settings.ts";
import { named } from "../logging/log-levels.ts";
import type { Founding } from "../metadata/founding.ts";
import { Metadata } from "../metadata/metadata.ts";
import type { Partitions } from "../partition/partitions.ts";
import { allOrNothing } from "../util/close-stack.ts";
import type { BrokerState } from "./broker-state.ts";
import { followMetadata, hostedPartitions } from "./follow-metadata.ts";
import { openStorage, type Storage, type StorageContext } from "./local-storage.ts";
import { logRecovery } from "./log-recovery.ts";
import { newPartitions } from "./new-partitions.ts";

/** Opens a broker that is its own controller: replays the metadata and opens every partition. */
export function openStandalone(
  settings: BrokerSettings,
  context: StorageContext & { readonly initialAdmin?: Founding | null },
): Promise<BrokerState> {
  return allOrNothing(async (opened) => {
    const { env, logger } = context;
    const storage = await openStorage(settings, context);
    opened.add(() => storage.close({ clean: false }));
    const { engine, nodeId } = storage;
    const partitions = newPartitions({
      ...{ engine, env, nodeId, metadata: () => metadata },
      logger: named(logger, "tarpan.partition"),
    });
    opened.add(() => partitions.close());
    const metadata: Metadata = await Metadata.open({
      log: storage.metadataLog,
      host: partitions,
      env,
      nodeId,
      clusterId: storage.clusterId,
      kafkaConfigs: settings.kafkaConfigs,
      founding: context.initialAdmin ?? null,
      onProgress: ({ offset, endOffset }) =>
        logger.info(`reading the metadata: ${offset} of ${endOffset} records`),
    });
    await openPartitions(partitions, metadata, storage, context);
    followMetadata(metadata, partitions);
    partitions.start();
    return {
      nodeId,
      engine,
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
  });
}

async function openPartitions(
  partitions: Partitions,
  metadata: Metadata,
  { recovery }: Storage,
  context: StorageContext,
): Promise<void> {
  const hosted = hostedPartitions(metadata, metadata.image);
  if (recovery === null) return partitions.open(hosted);
  // The metadata log was opened before them.
  const total = hosted.length + 1;
  await logRecovery(recovery, total, context, () => partitions.open(hosted));
  await partitions.removeStrays(({ topicId }) => metadata.image.topicsById.has(topicId));
}
