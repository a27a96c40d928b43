import { DescribeLogDirs, ErrorCode, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import type { ReplicaStates } from "../log/replication.ts";
import { type PlacedPartition, partitionsOf } from "../metadata/image.ts";
import { onCluster } from "../security/permission.ts";
import { handler, type RequestContext, type Services } from "./handler.ts";

/**
 * DescribeLogDirs: v1-5. v2 flexible · v3 error code · v4 total and usable bytes (KIP-827) · v5
 * whether the directory is cordoned (KIP-1066): never, since a broker has only one.
 * Describes all replicas on this broker, also those of partitions that another broker leads. Their
 * size is that of the stream, and their lag is in batches; both are -1 while the engine can't tell.
 */
export const describeLogDirs = handler({
  api: DescribeLogDirs,
  versions: "1-5",
  authorize: [onCluster("describe")],
  handle,
  failure,
});

type Request = RequestOf<typeof DescribeLogDirs>;
type Response = ResponseInput<typeof DescribeLogDirs>;
type Topic = Response["results"][number]["topics"][number];
type Held = Pick<Topic["partitions"][number], "partitionSize" | "offsetLag">;

async function handle(request: Request, { services }: RequestContext): Promise<Response> {
  const held = [...heldBy(services, request)];
  const led = ledBy(services);
  const states = held.every((one) => led.has(keyOf(one))) ? [] : await statesOf(services);
  const stateOf = new Map(states.map(({ id, ...one }) => [`${id.topicId}-${id.partition}`, one]));
  const byTopic = new Map<string, Topic["partitions"][number][]>();
  for (const one of held) {
    const key = keyOf(one);
    const found = led.get(key) ?? followed(services, stateOf.get(key));
    const partition = { partitionIndex: one.index, ...found, isFutureKey: false };
    const known = byTopic.get(one.topic.name);
    if (known === undefined) byTopic.set(one.topic.name, [partition]);
    else known.push(partition);
  }
  const topics = [...byTopic].map(([name, partitions]): Topic => ({ name, partitions }));
  const results = [{ errorCode: ErrorCode.NONE, topics, ...(await volumeOf(services)) }];
  return { errorCode: ErrorCode.NONE, results };
}

/** Bytes are -1 without a volume, or when it can't be read: its partitions have the errors then. */
async function volumeOf({ settings, env }: Services) {
  const { storage, dataDirectory: logDir } = settings;
  const unknown = { totalBytes: UNKNOWN, usableBytes: UNKNOWN };
  if (storage === "memory") return { logDir: "memory", ...unknown };
  return { logDir, ...((await env.fs.space(logDir).catch(() => null)) ?? unknown) };
}

function* heldBy({ metadata }: Services, { topics }: Request): Generator<PlacedPartition> {
  const wanted = topics && new Map(topics.map((one) => [one.topic, one.partitions]));
  for (const placed of partitionsOf(metadata.image)) {
    const { topic, index, partition } = placed;
    if (!partition.replicas.includes(metadata.nodeId)) continue;
    if (wanted === null || wanted.get(topic.name)?.includes(index)) yield placed;
  }
}

function ledBy({ partitions }: Services): Map<string, Held> {
  const led = new Map<string, Held>();
  for (const { hosted, partition } of partitions.all()) {
    const partitionSize = partition?.log.sizeBytes ?? UNKNOWN;
    led.set(`${hosted.id.topicId}-${hosted.id.partition}`, { partitionSize, offsetLag: 0 });
  }
  return led;
}

/** Empty after STATES_WAIT_MS: an engine during an election takes longer than clients wait. */
async function statesOf({ replicaStates, env }: Services): Promise<readonly ReplicaStates[]> {
  if (replicaStates === undefined) return [];
  return new Promise((resolve, reject) => {
    const timer = env.timers.after(STATES_WAIT_MS, () => resolve([]));
    replicaStates()
      .then(resolve, reject)
      .finally(() => timer.cancel());
  });
}

const STATES_WAIT_MS = 8_000;

function followed({ metadata }: Services, state: Omit<ReplicaStates, "id"> | undefined): Held {
  const replica = state?.replicas.find(({ brokerId }) => brokerId === metadata.nodeId);
  if (state === undefined || replica === undefined) return UNKNOWN_REPLICA;
  return { partitionSize: state.sizeBytes, offsetLag: replica.lag };
}

const UNKNOWN = -1;
const UNKNOWN_REPLICA: Held = { partitionSize: UNKNOWN, offsetLag: UNKNOWN };

function keyOf({ topic, index }: PlacedPartition): string {
  return `${topic.id}-${index}`;
}

function failure(_request: Request, errorCode: number): Response {
  return { errorCode, results: [] };
}
