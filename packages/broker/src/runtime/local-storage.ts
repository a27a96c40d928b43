import type { BrokerSettings } from "../config/settings.ts";
import type { Env } from "../env/env.ts";
import type { Log } from "../log/log.ts";
import type { LogEngine } from "../log/log-engine.ts";
import { MemoryEngine } from "../log/memory.ts";
import { SegmentEngine } from "../log/segment/engine.ts";
import type { Logger } from "../logging/logger.ts";
import { METADATA_LOG, METADATA_LOG_OPTIONS } from "../metadata/metadata-log.ts";

/** An opened engine with the metadata log. */
export interface Storage {
  readonly engine: LogEngine;
  readonly metadataLog: Log;
  readonly clusterId: string;
  readonly nodeId: number;
  /** The progress of recovery; null if the last broker on this storage was stopped cleanly. */
  readonly recovery: RecoveryView | null;
  /** See LogEngine.close. */
  close(options?: { clean?: boolean }): Promise<void>;
}

export interface RecoveryView {
  readonly logs: number;
  /** Logs that were written to after their last checkpoint, and the bytes scanned in them. */
  readonly scannedLogs: number;
  readonly scannedBytes: number;
  readonly cutBytes: number;
}

export interface StorageContext {
  readonly env: Env;
  readonly logger: Logger;
  readonly nodeIdGiven: boolean;
}

/** Rejects with the engine's error if the storage can't be used. */
export async function openStorage(
  settings: BrokerSettings,
  context: StorageContext,
): Promise<Storage> {
  if (settings.storage === "memory") return openMemory(settings, context);
  const { env, logger, nodeIdGiven } = context;
  const engine = await SegmentEngine.openDirectory(settings.dataDirectory, {
    env,
    flush: settings.flush,
    readCacheBytes: settings.readCacheBytes,
    ...(nodeIdGiven && { nodeId: settings.nodeId, nodeName: settings.nodeName }),
    log: (line) => logger.warn(line),
    alert: (line) => logger.error(line),
  });
  try {
    const { isNew } = engine;
    const metadataLog = isNew
      ? await engine.create(METADATA_LOG, METADATA_LOG_OPTIONS)
      : await engine.open(METADATA_LOG, METADATA_LOG_OPTIONS);
    const { clusterId, nodeId } = engine.meta;
    const recovery = isNew || engine.cleanlyClosed ? null : engine.recovered;
    const close = engine.close.bind(engine);
    return { engine, metadataLog, clusterId, nodeId, recovery, close };
  } catch (error) {
    await engine.close({ clean: false });
    throw error;
  }
}

async function openMemory(settings: BrokerSettings, { env }: StorageContext): Promise<Storage> {
  const engine = new MemoryEngine(env);
  return {
    engine,
    metadataLog: await engine.create(METADATA_LOG, METADATA_LOG_OPTIONS),
    clusterId: Buffer.from(env.random.bytes(16)).toString("base64url"),
    nodeId: settings.nodeId,
    recovery: null,
    close: () => engine.close(),
  };
}
