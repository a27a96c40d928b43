import { ErrorCode, Produce, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import type { TopicConfig } from "../config/kafka/typed.ts";
import { delayedErrors } from "../delayed/validate.ts";
import type { Timers } from "../env/env.ts";
import { halfMessageErrors } from "../half-messages/validate.ts";
import {
  DELAYED_TOPIC,
  HALF_MESSAGES_TOPIC,
  isHeldTopic,
  isInternalTopic,
} from "../metadata/topic-names.ts";
import { TAKE_OVER_WAIT_MS } from "../partition/limits.ts";
import type { Partition } from "../partition/partition.ts";
import { PendingChanges } from "../partition/pending-changes.ts";
import {
  failedProduce,
  notFound,
  type ProduceOutcome,
  produce as produceTo,
  type RecordErrors,
  refusedBy,
} from "../partition/produce.ts";
import { onEach } from "../security/permission.ts";
import { type Attempt, attemptWhen, type PendingLatch } from "../util/latch.ts";
import { allows } from "./allowed.ts";
import { produceDelayed } from "./audited-cancellations.ts";
import { type CurrentLeader, currentLeader, leaderEndpoints } from "./current-leader.ts";
import { CloseConnection, handler, type RequestContext, type Services } from "./handler.ts";
import { topicNameOf, unknownTopicCode } from "./topic-name.ts";
import { transactionRules } from "./transaction-rules.ts";

/**
 * Produce: v3-13. 0 to 2 are advertised and refused: librdkafka needs the advertised minimum to be
 * 0 (KAFKA-18659), and the record formats of those versions are not stored. v3 transactional id ·
 * v5 log start offset · v7 zstd · v8 record errors · v9 flexible · v10 current leader · v12
 * transactions v2 · v13 topics by id. An append to a replicated log is answered with
 * REQUEST_TIMED_OUT after timeoutMs: the append continues, and the batch may be stored or not. A
 * producer that sends the batch again learns which. An append to a disk has no time-out. A batch
 * for a partition that this broker is about to lead waits for that, TAKE_OVER_WAIT_MS at most. The
 * first batch of a transaction waits for its coordinator; from v12 on it adds the partition to the
 * transaction (KIP-890).
 */
export const produce = handler({
  api: Produce,
  versions: "3-13",
  lane: "produce",
  authorize: [onEach("write", "topic"), onEach("write", "transactionalId")],
  handle,
  failure,
});

type Request = RequestOf<typeof Produce>;
type Response = ResponseInput<typeof Produce>;

async function handle(request: Request, context: RequestContext): Promise<Response | undefined> {
  const { acks } = request;
  if (acks !== 0 && acks !== 1 && acks !== -1) {
    return failure(request, ErrorCode.INVALID_REQUIRED_ACKS);
  }
  const { transactionalId } = request;
  if (transactionalId !== null && !allows(context, "write", "transactionalId", transactionalId)) {
    if (acks === 0) throw new CloseConnection("the client may not use the transactional id");
    return failure(request, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  }
  // Every batch goes to its log in this loop, without an await: that keeps the batches' order.
  const rules = rulesOf(request, context);
  const pending = request.topicData.map((topic) => appendTopic(topic, request, rules, context));
  const { partitions, env } = context.services;
  const deadline = partitions.replicated ? deadlineAfter(env.timers, request.timeoutMs) : null;
  try {
    return await answer(request, pending, deadline?.passed ?? null, context);
  } finally {
    deadline?.cancel();
  }
}

/** `passed` resolves at the request's time-out; null when appends have none. */
async function answer(
  { acks }: Request,
  pending: readonly ReturnType<typeof appendTopic>[],
  passed: Promise<ProduceOutcome> | null,
  context: RequestContext,
): Promise<Response | undefined> {
  const responses = [];
  const leaders: (CurrentLeader | undefined)[] = [];
  for (const { name, topicId, knownAs, outcomes } of pending) {
    const partitionResponses = [];
    for (const { index, outcome } of outcomes) {
      const done = await (passed === null ? outcome : Promise.race([outcome, passed]));
      if (done.errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER) {
        partitionResponses.push({ index, ...done });
        continue;
      }
      const leader = currentLeader(context.services.metadata.image, knownAs, index);
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

/** `passed` resolves after `timeoutMs` with the answer for appends that are not durable then. */
function deadlineAfter(timers: Timers, timeoutMs: number) {
  let cancel = () => {};
  const passed = new Promise<ProduceOutcome>((resolve) => {
    const timer = timers.after(Math.max(0, timeoutMs), () => resolve(TIMED_OUT));
    cancel = () => timer.cancel();
  });
  return { passed, cancel };
}

const TIMED_OUT = failedProduce(
  ErrorCode.REQUEST_TIMED_OUT,
  "the replicas did not confirm the append within the time-out: the batch may be stored or not",
);

/** Kafka's `acks=all`: refused when fewer than `min.insync.replicas` replicas are in sync. */
const ALL = -1;

type Topic = Request["topicData"][number];

type Batch = Topic["partitionData"][number];

/** What holds for all topics of a request. */
function rulesOf({ transactionalId }: Request, { services, version }: RequestContext) {
  return {
    zstdAllowed: version >= 7,
    transactions: transactionRules(transactionalId, version, services),
  };
}

function appendTopic(
  topic: Topic,
  request: Request,
  rules: ReturnType<typeof rulesOf>,
  context: RequestContext,
) {
  const { acks } = request;
  const target = targetOf(topic, rules, context);
  const outcomes = topic.partitionData.map((batch) => {
    const outcome = appendTo(target, batch, acks, context);
    const { index } = batch;
    if (outcome instanceof Promise) return { index, outcome };
    const pending = new PendingChanges(context.services);
    const latch = pending.latchFor(target.name, index, outcome.errorCode);
    if (latch === null) return { index, outcome };
    const attempt = (isLast: boolean) => {
      const now = targetOf(topic, rules, context);
      const again = appendTo(now, batch, acks, context);
      if (isLast || again instanceof Promise) return again;
      return pending.latchFor(now.name, index, again.errorCode) ?? again;
    };
    return { index, outcome: appendLater(latch, attempt, request, context) };
  });
  return { name: topic.name, topicId: topic.topicId, knownAs: target.name, outcomes };
}

/** Waits until this broker leads the partition, then appends. Waiting batches keep their order. */
function appendLater(
  latch: PendingLatch,
  attempt: Attempt<ProduceOutcome>,
  { timeoutMs }: Request,
  { services }: RequestContext,
): Promise<ProduceOutcome> {
  const limitMs = Math.min(Math.max(0, timeoutMs), TAKE_OVER_WAIT_MS);
  return attemptWhen(latch, limitMs, services.env.timers, attempt);
}

/** What is refused in the topics whose records the broker reads. */
const RECORD_ERRORS = new Map([
  [DELAYED_TOPIC, delayedErrors],
  [HALF_MESSAGES_TOPIC, halfMessageErrors],
]);

/** Who has a message delivered later must be allowed to write to its target, too. */
function recordErrorsOf(topic: string, context: RequestContext): RecordErrors | null {
  const errorsOf = RECORD_ERRORS.get(topic) ?? null;
  if (errorsOf === null || !context.services.authorizer.hasAcls) return errorsOf;
  const mayWrite = (target: string) => allows(context, "write", "topic", target);
  return (records, count, nowMs, maxBytes) => errorsOf(records, count, nowMs, maxBytes, mayWrite);
}

/** The topic according to the metadata now; `refusal` is null when batches may be appended. */
function targetOf(
  { name: byName, topicId }: Topic,
  requestRules: ReturnType<typeof rulesOf>,
  context: RequestContext,
) {
  const { services, version } = context;
  const name = topicNameOf(services, byName, topicId, version >= 13);
  const rules = {
    config: services.metadata.topicConfig(name ?? ""),
    now: services.env.clock.wallMs(),
    ...requestRules,
    errorsOf: recordErrorsOf(name ?? "", context),
  };
  return { name, refusal: refusalOf(name, topicId, context), rules };
}

function appendTo(
  { name, refusal, rules }: ReturnType<typeof targetOf>,
  { index, records }: Batch,
  acks: number,
  context: RequestContext,
): ProduceOutcome | Promise<ProduceOutcome> {
  const { services } = context;
  if (refusal !== null) return refusal;
  const partition = services.partitions.find(name!, index);
  if (typeof partition === "number") return notFound(name!, index, partition);
  // Before the append: a batch that was appended but not confirmed gets REQUEST_TIMED_OUT instead.
  const tooFew = acks === ALL ? tooFewInSync(services, partition, rules.config) : null;
  if (tooFew !== null) return tooFew;
  if (name === DELAYED_TOPIC) return produceDelayed(partition, records, rules, context);
  return produceTo(partition, records, rules);
}

export function tooFewInSync(
  { metadata }: Pick<Services, "metadata">,
  partition: Partition,
  { minInsyncReplicas: least }: TopicConfig,
): ProduceOutcome | null {
  // At least one replica is always in sync, so most topics need no look at the metadata.
  if (least <= 1) return null;
  const { topic, partition: index } = partition.id;
  const inSync = metadata.image.topics.get(topic)?.partitions[index]?.isr.length ?? 0;
  if (inSync >= least) return null;
  const message = `only ${inSync} replicas are in sync: min.insync.replicas is ${least}`;
  return refusedBy(partition, ErrorCode.NOT_ENOUGH_REPLICAS, message);
}

function refusalOf(
  name: string | null,
  topicId: string,
  context: RequestContext,
): ProduceOutcome | null {
  if (name === null) {
    return failedProduce(unknownTopicCode(context.version >= 13), `no topic has the id ${topicId}`);
  }
  if (!allows(context, "write", "topic", name)) {
    return failedProduce(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  }
  if (!isInternalTopic(name) || isHeldTopic(name)) return null;
  return failedProduce(ErrorCode.INVALID_TOPIC_EXCEPTION, `${name} is written by the broker only`);
}

function failure(request: Request, errorCode: ErrorCode): Response {
  const responses = request.topicData.map(({ name, topicId, partitionData }) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index }) => ({ index, ...failedProduce(errorCode) })),
  }));
  return { responses };
}
