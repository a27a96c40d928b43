import type { Env } from "../env/env.ts";
import { newCleaningWork } from "../log/compaction/cleaning-beside.ts";
import type { LogEngine } from "../log/log-engine.ts";
import type { Logger } from "../logging/logger.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { Partitions } from "../partition/partitions.ts";
import { ReplicatedHost } from "../partition/replicated-host.ts";
import { StandaloneHost } from "../partition/standalone-host.ts";

interface Parts {
  readonly engine: LogEngine;
  readonly env: Env;
  readonly logger: Logger;
  readonly nodeId: number;
  /** Called only when a partition is used: a standalone broker reads its metadata later. */
  readonly metadata: () => Metadata;
}

/** Creates the partitions of a broker; none of them is open yet. */
export function newPartitions({ engine, env, logger, nodeId, metadata }: Parts): Partitions {
  const host =
    engine.replication === null
      ? new StandaloneHost(engine, logger)
      : new ReplicatedHost(engine, env.timers);
  return new Partitions(host, env, logger, {
    nodeId,
    producerExpirationMs: () => metadata().brokerConfig().producerIdExpirationMs,
    transactionMaxTimeoutMs: () => metadata().brokerConfig().transactionMaxTimeoutMs,
    retentionTimes: () => metadata().brokerConfig(),
    cleaner: () => metadata().brokerConfig(),
    cleaningWork: newCleaningWork(env, (line) => logger.warn(line)),
    newLogSettings: () => metadata().topicConfig(""),
    leadership: () => metadata().leadership,
  });
}
