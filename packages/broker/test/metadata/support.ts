import type { Log, LogId, LogOptions } from "../../src/log/log.ts";
import { LogError } from "../../src/log/log-error.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import type { TopicSpec } from "../../src/metadata/decide-create-topics.ts";
import { Metadata, type OwnMetadataOptions } from "../../src/metadata/metadata.ts";
import { METADATA_LOG } from "../../src/metadata/metadata-log.ts";
import type { NewLog, PartitionHost } from "../../src/metadata/partition-host.ts";
import { ManualTime } from "../env/manual-time.ts";
import { SeededRandom } from "../env/seeded-random.ts";

export const LOG_OPTIONS: LogOptions = {
  segmentBytes: 1 << 20,
  segmentMs: 1e9,
  indexIntervalBytes: 4096,
};

export function testEnv(seed = 1): OwnMetadataOptions["env"] {
  return {
    clock: { wallMs: () => 1_700_000_000_000, monotonicMs: () => 0 },
    timers: new ManualTime(),
    random: new SeededRandom(seed),
  };
}

/** Keeps names of logs, refuses to create one again, as engines do, and fails when told to. */
export class FakeHost implements PartitionHost {
  /** Topic ids by `topic-partition`. */
  readonly logs = new Map<string, string>();
  failure: Error | null = null;

  async createLogs(logs: readonly NewLog[]): Promise<void> {
    for (const { id, replicas } of logs) {
      const { topic, topicId, partition } = id;
      if (!replicas.includes(1)) continue;
      if (this.failure !== null) throw this.failure;
      const name = `${topic}-${partition}`;
      if (this.logs.has(name)) throw new LogError("exists", `log ${name} exists`);
      this.logs.set(name, topicId);
      // As with a disk, other requests get a turn meanwhile.
      await Promise.resolve();
    }
  }

  async discardLogs(ids: readonly LogId[]): Promise<void> {
    for (const { topic, topicId, partition } of ids) {
      const name = `${topic}-${partition}`;
      if (this.logs.get(name) === topicId) this.logs.delete(name);
    }
  }

  /** Deletes a topic's logs, as a broker does after the topic was deleted. */
  follow(metadata: Metadata): void {
    metadata.onChange(({ topics }) => {
      for (const { name, id, now, partitions } of topics) {
        if (now !== null) continue;
        for (const { index: partition } of partitions) {
          this.discardLogs([{ topic: name, topicId: id, partition }]);
        }
      }
    });
  }
}

export interface TestMetadata {
  readonly metadata: Metadata;
  readonly host: FakeHost;
  readonly log: Log;
}

export async function openMetadata(
  options: Partial<OwnMetadataOptions> & { readonly brokers?: readonly number[] } = {},
): Promise<TestMetadata> {
  const log = options.log ?? (await new MemoryEngine(testEnv()).create(METADATA_LOG, LOG_OPTIONS));
  const host = new FakeHost();
  const base = { nodeId: 1, clusterId: "test-cluster", kafkaConfigs: {}, env: testEnv() };
  for (const nodeId of options.brokers ?? [1]) {
    const other = await Metadata.open({ ...base, log, host, ...options, nodeId });
    await other.registerBroker({ host: "127.0.0.1", port: 9092, unclean: false });
  }
  const metadata = await Metadata.open({ ...base, log, host, ...options });
  host.follow(metadata);
  return { metadata, host, log };
}

export function spec(name: string, more: Partial<TopicSpec> = {}): TopicSpec {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...more };
}
