import { ErrorCode, Produce, type ResponseOf } from "@tarpan/protocol";
import type { Client } from "../connection/client.ts";
import type { Connection } from "../connection/connection.ts";
import { hasId, type TopicMetadata } from "../connection/metadata.ts";
import { ClientError, KafkaResponseError } from "../errors.ts";
import { MAX_REQUEST_BATCH_BYTES } from "../limits.ts";
import type { Batch } from "./batch.ts";

/** The last version of Produce that identifies topics by name. */
const LAST_NAMED_VERSION = 12;

export type Delivery =
  | { readonly baseOffset: number; readonly logAppendTimeMs: number }
  | { readonly error: Error };

interface Placed {
  readonly batch: Batch;
  readonly topic: TopicMetadata;
}

/** What all requests of a producer have in common. */
interface ProduceFields {
  readonly acks: number;
  readonly compression: number;
  readonly transactionalId: string | null;
  /** The last version of Produce to use. */
  readonly maxVersion: number;
}

/** The batches of one Produce request. */
interface PlannedRequest {
  readonly placed: Placed[];
  bytes: number;
}

/**
 * Sends each batch, which must be encoded already, to its partition's leader and calls `deliver`
 * once for it. Each broker gets one request, or more if one would exceed MAX_REQUEST_BATCH_BYTES.
 * The failure of a batch goes to `deliver`: the promise does not reject.
 */
export async function sendBatches(
  client: Client,
  batches: readonly Batch[],
  fields: ProduceFields,
  deliver: (batch: Batch, delivery: Delivery) => void,
): Promise<void> {
  const byLeader = new Map<Connection, PlannedRequest[]>();
  await Promise.all(
    batches.map(async (batch) => {
      try {
        const withinMs = batch.deadline.remainingMs;
        const topic = await client.topic(batch.topic, { create: true, withinMs });
        const leader = await client.leaderOf(topic, batch.partition);
        const requests = byLeader.get(leader) ?? [];
        byLeader.set(leader, requests);
        addTo(requests, { batch, topic }, batch.encoded(fields.compression, null).length);
      } catch (error) {
        deliver(batch, { error: error as Error });
      }
    }),
  );
  const sends = [...byLeader].flatMap(([leader, requests]) =>
    requests.map(({ placed }) => sendTo(leader, placed, fields, client.timeoutMs, deliver)),
  );
  await Promise.all(sends);
}

function addTo(requests: PlannedRequest[], placed: Placed, bytes: number): void {
  const last = requests.at(-1);
  if (last === undefined || last.bytes + bytes > MAX_REQUEST_BATCH_BYTES)
    requests.push({ placed: [placed], bytes });
  else {
    last.placed.push(placed);
    last.bytes += bytes;
  }
}

async function sendTo(
  leader: Connection,
  placed: readonly Placed[],
  { acks, compression, transactionalId, maxVersion: most }: ProduceFields,
  timeoutMs: number,
  deliver: (batch: Batch, delivery: Delivery) => void,
): Promise<void> {
  const haveIds = placed.every(({ topic }) => hasId(topic));
  const maxVersion = haveIds ? most : Math.min(most, LAST_NAMED_VERSION);
  const body = { transactionalId, acks, timeoutMs, topicData: byTopic(placed, compression) };
  try {
    if (acks === 0) {
      await leader.send(Produce, body, { maxVersion });
      for (const { batch } of placed) deliver(batch, { baseOffset: -1, logAppendTimeMs: -1 });
      return;
    }
    const answer = await leader.request(Produce, body, { maxVersion });
    for (const { batch, topic } of placed) deliver(batch, deliveryOf(answer, batch, topic, leader));
  } catch (error) {
    for (const { batch } of placed) deliver(batch, { error: error as Error });
  }
}

function byTopic(placed: readonly Placed[], compression: number) {
  const topics = new Map<string, Placed[]>();
  for (const each of placed) {
    const list = topics.get(each.topic.name);
    if (list === undefined) topics.set(each.topic.name, [each]);
    else list.push(each);
  }
  return [...topics].map(([name, list]) => ({
    name,
    topicId: list[0]!.topic.id,
    partitionData: list.map(({ batch }) => ({
      index: batch.partition,
      records: batch.encoded(compression, null),
    })),
  }));
}

function deliveryOf(
  { responses }: ResponseOf<typeof Produce>,
  batch: Batch,
  topic: TopicMetadata,
  leader: Connection,
): Delivery {
  const answer = responses
    .find(({ name, topicId }) => name === topic.name || (hasId(topic) && topicId === topic.id))
    ?.partitionResponses.find(({ index }) => index === batch.partition);
  const about = `${batch.topic}-${batch.partition}`;
  if (answer === undefined) {
    const message = `${leader.address} did not answer for ${about}`;
    return { error: new ClientError("TARPAN_BAD_RESPONSE", message) };
  }
  // The batch was stored by an earlier try; the broker no longer knows at which offset.
  if (answer.errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER)
    return { baseOffset: -1, logAppendTimeMs: -1 };
  if (answer.errorCode !== 0)
    return { error: new KafkaResponseError(answer.errorCode, about, answer.errorMessage) };
  return { baseOffset: answer.baseOffset, logAppendTimeMs: answer.logAppendTimeMs };
}
