import { DescribeLogDirs, ErrorCode, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { handler, type RequestContext } from "./handler.ts";

/**
 * DescribeLogDirs: v1-4.
 * v2 flexible · v3 error code · v4 total and usable bytes (KIP-827).
 * Not done: total and usable bytes of the volume, answered as -1, which is "unknown".
 */
export const describeLogDirs = handler(DescribeLogDirs, "1-4", run, { failure });

type Request = RequestOf<typeof DescribeLogDirs>;
type Response = ResponseInput<typeof DescribeLogDirs>;
type Topic = Response["results"][number]["topics"][number];
type Size = Topic["partitions"][number];

function run(request: Request, { broker }: RequestContext): Response {
  const wanted = request.topics && new Map(request.topics.map((t) => [t.topic, t.partitions]));
  const sizes = new Map<string, Size[]>();
  for (const { hosted, partition } of broker.partitions.all()) {
    const { topic, partition: partitionIndex } = hosted.id;
    if (wanted !== null && !wanted.get(topic)?.includes(partitionIndex)) continue;
    const partitionSize = partition?.log.sizeBytes ?? -1;
    const size = { partitionIndex, partitionSize, offsetLag: 0, isFutureKey: false };
    const known = sizes.get(topic);
    if (known === undefined) sizes.set(topic, [size]);
    else known.push(size);
  }
  const topics = [...sizes].map(([name, partitions]): Topic => ({ name, partitions }));
  const logDir = broker.settings.storage === "memory" ? "memory" : broker.settings.dataDirectory;
  const results = [{ errorCode: ErrorCode.NONE, logDir, topics }];
  return { errorCode: ErrorCode.NONE, results };
}

function failure(_request: Request, errorCode: number): Response {
  return { errorCode, results: [] };
}
