/**
 * Nanoseconds per message, generated code against the interpreter, with every other schema's code
 * live too, as in a broker: `npx tsx --conditions=tarpan-source
 * packages/protocol/bench/codec.bench.ts`
 */
import {
  type AnyApi,
  apis,
  codecOf,
  Fetch,
  type Fields,
  Metadata,
  Produce,
  Reader,
  rangeOf,
  Writer,
} from "@tarpan/protocol";
import { interpret } from "../src/interpret.ts";

const UUID = "01234567-89ab-cdef-0123-456789abcdef";
const ROUNDS = 7;

function warmUpEverySchema(): void {
  for (const api of apis) {
    const { max } = rangeOf(api.versions);
    const codec = codecOf(api, max);
    for (const read of ["readRequest", "readResponse"] as const) {
      for (let i = 0; i < 200; i++) {
        try {
          codec[read](new Reader(new Uint8Array(64)));
        } catch {
          // Zeros are no legal message of some schemas; the point is that their code has run.
        }
      }
    }
  }
}

/** The best of some rounds, so that a busy machine disturbs less. */
function nanoseconds(run: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    let count = 0;
    const start = performance.now();
    let elapsed = 0;
    for (; elapsed < 150; elapsed = performance.now() - start) {
      for (let i = 0; i < 50; i++) run();
      count += 50;
    }
    best = Math.min(best, (elapsed * 1e6) / count);
  }
  return Math.round(best);
}

function measure(
  name: string,
  api: AnyApi,
  version: number,
  side: "request" | "response",
  value: Record<string, unknown>,
): void {
  const codec = codecOf(api, version);
  const slow = interpret(api[side] as Fields, version, codec.flexible);
  const [read, write] =
    side === "request"
      ? [codec.readRequest, codec.writeRequest]
      : [codec.readResponse, codec.writeResponse];
  const writer = new Writer();
  write(writer, value);
  const bytes = writer.join();
  console.log(
    `${name.padEnd(34)} ${String(bytes.byteLength).padStart(6)} bytes`,
    `read ${nanoseconds(() => read(new Reader(bytes)))} ns`,
    `(interpreted ${nanoseconds(() => slow.read(new Reader(bytes)))}),`,
    `write ${nanoseconds(() => write(new Writer(), value))} ns`,
    `(interpreted ${nanoseconds(() => slow.write(new Writer(), value))})`,
  );
}

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

warmUpEverySchema();

const fetchRequest = (version: number): Record<string, unknown> => ({
  maxWaitMs: 500,
  minBytes: 1,
  topics: [
    {
      topic: "orders",
      topicId: UUID,
      partitions: times(20, (partition) => ({
        partition,
        currentLeaderEpoch: 3,
        fetchOffset: 1e12 + partition,
        partitionMaxBytes: 1 << 20,
      })),
    },
  ],
  forgottenTopicsData: [],
  version,
});
measure("Fetch request v12, 20 partitions", Fetch, 12, "request", fetchRequest(12));
measure("Fetch request v16, 20 partitions", Fetch, 16, "request", fetchRequest(16));

const batch = new Uint8Array(64 * 1024);
measure("Fetch response v16, 20 × 64 KiB", Fetch, 16, "response", {
  responses: [
    {
      topicId: UUID,
      partitions: times(20, (partitionIndex) => ({
        partitionIndex,
        errorCode: 0,
        highWatermark: 1e12,
        abortedTransactions: null,
        records: [batch],
      })),
    },
  ],
});
measure("Produce request v9, 1 × 64 KiB", Produce, 9, "request", {
  acks: -1,
  timeoutMs: 30_000,
  topicData: [{ name: "orders", partitionData: [{ index: 0, records: batch }] }],
});
measure("Produce response v9, 1 partition", Produce, 9, "response", {
  responses: [
    {
      name: "orders",
      partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 1e12, recordErrors: [] }],
    },
  ],
});
measure("Metadata response v12, 50 × 6", Metadata, 12, "response", {
  brokers: times(3, (nodeId) => ({
    nodeId,
    host: `broker-${nodeId}.example`,
    port: 9092,
    rack: null,
  })),
  clusterId: "abcdefghijklmnopqrstuv",
  topics: times(50, (i) => ({
    errorCode: 0,
    name: `topic-${i}`,
    topicId: UUID,
    partitions: times(6, (partitionIndex) => ({
      errorCode: 0,
      partitionIndex,
      leaderId: 1,
      replicaNodes: [0, 1, 2],
      isrNodes: [0, 1, 2],
      offlineReplicas: [],
    })),
  })),
});
