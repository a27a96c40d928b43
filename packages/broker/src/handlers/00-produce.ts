import { ErrorCode, Produce, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { isInternalTopic } from "../metadata/topic-names.ts";
import { failedProduce, type ProduceOutcome, produce as produceTo } from "../partition/produce.ts";
import { type CurrentLeader, currentLeader, leaderEndpoints } from "./current-leader.ts";
import { CloseConnection, handler, type RequestContext } from "./handler.ts";
import { topicNameOf, unknownTopicCode } from "./topic-name.ts";

/**
 * Produce: v3-13. 0 to 2 are advertised and refused: librdkafka needs the advertised minimum to be
 * 0 (KAFKA-18659), and the record formats of those versions are not stored.
 * v3 transactional id · v5 log start offset · v7 zstd · v8 record errors · v9 flexible ·
 * v10 current leader · v12 transactions v2 · v13 topics by id.
 * Not done: transactional batches (48), timeoutMs (an append ends when the disk has answered).
 */
export const produce = handler(Produce, "3-13", run, { pipelined: true, failure });

type Request = RequestOf<typeof Produce>;
type Response = ResponseInput<typeof Produce>;

async function run(request: Request, context: RequestContext): Promise<Response | undefined> {
  const { acks } = request;
  if (acks !== 0 && acks !== 1 && acks !== -1) {
    return failure(request, ErrorCode.INVALID_REQUIRED_ACKS);
  }
  // Every batch is handed to its log in this loop: nothing may be awaited before it ends.
  const pending = request.topicData.map((topic) => appendTopic(topic, context));
  const responses = [];
  const leaders: (CurrentLeader | undefined)[] = [];
  for (const { name, topicId, knownAs, outcomes } of pending) {
    const partitionResponses = [];
    for (const { index, outcome } of outcomes) {
      const done = await outcome;
      if (done.errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER) {
        partitionResponses.push({ index, ...done });
        continue;
      }
      const leader = currentLeader(context.broker.metadata.image, knownAs, index);
      leaders.push(leader);
      partitionResponses.push({ index, ...done, currentLeader: leader });
    }
    responses.push({ name, topicId, partitionResponses });
  }
  if (acks !== 0) return { responses, nodeEndpoints: leaderEndpoints(leaders, context) };
  if (responses.some(({ partitionResponses: all }) => all.some((one) => one.errorCode !== 0))) {
    throw new CloseConnection("a batch sent with acks=0 was refused");
  }
  return undefined;
}

type Topic = Request["topicData"][number];

function appendTopic(topic: Topic, { broker, version }: RequestContext) {
  const { topicId } = topic;
  const name = topicNameOf(broker, topic.name, topicId, version >= 13);
  const refusal = refusalOf(name, version);
  const rules = {
    config: broker.metadata.topicConfig(name ?? ""),
    now: broker.env.clock.wallMs(),
    zstdAllowed: version >= 7,
  };
  const outcomes = topic.partitionData.map(({ index, records }) => {
    if (refusal !== null) return { index, outcome: refusal };
    const partition = broker.partitions.find(name!, index);
    if (typeof partition === "number") return { index, outcome: failedProduce(partition) };
    return { index, outcome: produceTo(partition, records, rules) };
  });
  return { name: topic.name, topicId, knownAs: name, outcomes };
}

function refusalOf(name: string | null, version: number): ProduceOutcome | null {
  if (name === null) return failedProduce(unknownTopicCode(version >= 13));
  if (!isInternalTopic(name)) return null;
  return failedProduce(ErrorCode.INVALID_TOPIC_EXCEPTION, `${name} is written by the broker only`);
}

function failure(request: Request, errorCode: number): Response {
  const responses = request.topicData.map(({ name, topicId, partitionData }) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index }) => ({ index, ...failedProduce(errorCode) })),
  }));
  return { responses };
}
