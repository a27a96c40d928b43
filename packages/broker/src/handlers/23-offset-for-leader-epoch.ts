import {
  ErrorCode,
  OffsetForLeaderEpoch,
  type RequestOf,
  type ResponseInput,
} from "@tarpan/protocol";
import { validateLeaderEpoch } from "../fetch/read-partitions.ts";
import { type RequestedPartition, waitUntilLed } from "../partition/pending-changes.ts";
import { onEach } from "../security/permission.ts";
import { allows, couldDoOnCluster, split } from "./allowed.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * OffsetForLeaderEpoch: v2-4.
 * v3 replica id · v4 flexible.
 * Waits up to TAKE_OVER_WAIT_MS for a partition that this broker is about to lead.
 */
export const offsetForLeaderEpoch = handler({
  api: OffsetForLeaderEpoch,
  versions: "2-4",
  authorize: [onEach("describe", "topic"), onEach("clusterAction", "cluster")],
  handle,
  failure,
});

type Request = RequestOf<typeof OffsetForLeaderEpoch>;
type Response = ResponseInput<typeof OffsetForLeaderEpoch>;
type Topic = Request["topics"][number];
type Wanted = Topic["partitions"][number];

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const isBroker = couldDoOnCluster(context, "clusterAction");
  const isAllowed = ({ topic }: Topic) => isBroker || allows(context, "describe", "topic", topic);
  const { allowed, denied } = split(request.topics, isAllowed);
  await waitUntilLed(context.services, allowed.flatMap(askedOf));
  const found = answer(allowed, (topic, wanted) => find(topic, wanted, context));
  const refused = answer(denied, () => ({ errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED }));
  return { topics: [...found, ...refused] };
}

function askedOf({ topic, partitions }: Request["topics"][number]): RequestedPartition[] {
  return partitions.map(({ partition, currentLeaderEpoch }) => {
    return { topic, partition, leaderEpoch: currentLeaderEpoch };
  });
}

function find(topic: string, wanted: Wanted, { services }: RequestContext) {
  const partition = services.partitions.find(topic, wanted.partition);
  if (typeof partition === "number") return { errorCode: partition };
  const errorCode = validateLeaderEpoch(partition, wanted.currentLeaderEpoch);
  if (errorCode !== ErrorCode.NONE) return { errorCode };
  const { epoch, endOffset } = partition.endOfEpoch(wanted.leaderEpoch);
  return { errorCode, leaderEpoch: epoch, endOffset };
}

function failure(request: Request, errorCode: number): Response {
  return { topics: answer(request.topics, () => ({ errorCode })) };
}

type Answer = Omit<Response["topics"][number]["partitions"][number], "partition">;

function answer(topics: readonly Topic[], of: (topic: string, wanted: Wanted) => Answer) {
  return topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((one) => ({ partition: one.partition, ...of(topic, one) })),
  }));
}
