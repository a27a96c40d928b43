import { decompress } from "@tarpan/codecs";
import { type BatchHeader, decodeBatches, ErrorCode, readBatchHeader } from "@tarpan/protocol";
import type { DeliveryAttempt, DeliveryOutcome } from "../held/sender.ts";
import type { Partition } from "../partition/partition.ts";
import { type ProduceRules, produce } from "../partition/produce.ts";
import type { DescribedProducer } from "../partition/producer-states.ts";
import { tooFewInSync } from "./00-produce.ts";
import type { Services } from "./handler.ts";

/** Appends held messages to a partition that this broker leads. */
export async function deliverHeld(
  { topicId, partition: index, batch, doubtSinceMs }: DeliveryAttempt,
  services: Services,
): Promise<DeliveryOutcome> {
  const { metadata, partitions, env } = services;
  const name = metadata.image.topicsById.get(topicId)?.name;
  if (name === undefined) return failed(ErrorCode.UNKNOWN_TOPIC_ID);
  const partition = partitions.find(name, index);
  if (typeof partition === "number") return failed(partition);
  const config = metadata.topicConfig(name);
  const nowMs = env.clock.wallMs();
  if (doubtSinceMs >= 0) {
    const header = readBatchHeader(batch);
    // The topic may refuse now what it took then: a copy is answered before its rules are asked.
    if (isNewestOf(partition, header)) return partition.append(batch, header, nowMs);
    if (await wasAppended(partition, header, doubtSinceMs, services)) return failed(ErrorCode.NONE);
  }
  const refusal = tooFewInSync(services, partition, config);
  const rules = { ...PLAIN, config, now: nowMs };
  const { errorCode, errorMessage } = refusal ?? (await produce(partition, batch, rules));
  return { errorCode, message: errorMessage };
}

const PLAIN: Omit<ProduceRules, "config" | "now"> = {
  zstdAllowed: true,
  transactions: {
    transactionalId: null,
    bumpsEpoch: false,
    verify: async () => ErrorCode.INVALID_TXN_STATE,
  },
  errorsOf: null,
};

/**
 * Whether the partition has the batch. It remembers the sequences of a producer, and refuses what
 * it has; only a producer that may have been idle for too long is looked for in the log.
 */
async function wasAppended(
  partition: Partition,
  { producerId, baseSequence }: BatchHeader,
  sinceMs: number,
  { metadata, env }: Services,
): Promise<boolean> {
  const { producerIdExpirationMs } = metadata.brokerConfig();
  const isRecent = env.clock.wallMs() - sinceMs < producerIdExpirationMs / 2;
  if (isRecent || find(partition, producerId) !== undefined) return false;
  const { log } = partition;
  let offset = await log.offsetAt(sinceMs);
  while (offset !== null && offset < log.endOffset) {
    for (const { header } of decodeBatches(await log.read(offset, READ_BYTES), { decompress })) {
      if (header.producerId === producerId && header.baseSequence === baseSequence) return true;
      offset = header.lastOffset + 1;
    }
  }
  return false;
}

/** Whether it is what its producer has appended last, so that `append` takes it for a copy. */
function isNewestOf(partition: Partition, header: BatchHeader): boolean {
  const { producerId, baseSequence, lastOffsetDelta } = header;
  return find(partition, producerId)?.lastSequence === baseSequence + lastOffsetDelta;
}

function find(partition: Partition, producerId: number): DescribedProducer | undefined {
  for (const known of partition.describeProducers()) {
    if (known.producerId === producerId) return known;
  }
  return undefined;
}

const READ_BYTES = 1_048_576;

function failed(errorCode: ErrorCode): DeliveryOutcome {
  return { errorCode, message: null };
}
