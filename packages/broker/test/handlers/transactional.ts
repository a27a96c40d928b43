import { setImmediate as turn } from "node:timers/promises";
import {
  AddPartitionsToTxn,
  EndTxn,
  Fetch,
  FindCoordinator,
  InitProducerId,
  Produce,
  ZERO_UUID,
} from "@tarpan/protocol";
import { batchOf } from "../partition/batches.ts";
import type { WholeBroker } from "./whole-broker.ts";

/** A transactional producer that speaks single requests; newer ones have an epoch for each end. */
export class Producer {
  readonly broker: WholeBroker;
  readonly transactionalId: string;
  readonly isNewer: boolean;
  producerId = -1;
  producerEpoch = -1;
  readonly #sequences = new Map<string, number>();

  constructor(broker: WholeBroker, transactionalId: string, isNewer = true) {
    this.broker = broker;
    this.transactionalId = transactionalId;
    this.isNewer = isNewer;
  }

  /** Begins with InitProducerId, or with `expected` goes on after an error. */
  async init({ timeoutMs = 60_000, keeps = false } = {}): Promise<number> {
    const { broker, transactionalId } = this;
    await broker.call(FindCoordinator, 3, { key: transactionalId, keyType: 1 });
    const own = { producerId: this.producerId, producerEpoch: this.producerEpoch };
    const request = { transactionalId, transactionTimeoutMs: timeoutMs, ...(keeps && own) };
    const answer = await broker.call(InitProducerId, 5, request);
    if (answer.errorCode === 0) this.#use(answer);
    return answer.errorCode;
  }

  async add(topic: string, partitions: readonly number[]): Promise<number[]> {
    const answer = await this.broker.call(AddPartitionsToTxn, 3, {
      ...this.#v3(),
      v3AndBelowTopics: [{ name: topic, partitions: [...partitions] }],
    });
    return answer.resultsByTopicV3AndBelow[0]!.resultsByPartition.map((one) => {
      return one.partitionErrorCode;
    });
  }

  #v3() {
    return {
      v3AndBelowTransactionalId: this.transactionalId,
      v3AndBelowProducerId: this.producerId,
      v3AndBelowProducerEpoch: this.producerEpoch,
    };
  }

  /** Produces one record. Its sequence goes on only if the record was stored. */
  async send(topic: string, index = 0, version = this.isNewer ? 12 : 11): Promise<number> {
    const { producerId, producerEpoch, transactionalId } = this;
    const key = `${topic}-${index}`;
    const baseSequence = this.#sequences.get(key) ?? 0;
    const producer = { producerId, producerEpoch, baseSequence, transactional: true };
    const records = batchOf(1, producer);
    const partitionData = [{ index, records }];
    const { responses } = await this.broker.call(Produce, version, {
      ...{ transactionalId, acks: -1, timeoutMs: 1_000 },
      topicData: [{ name: topic, topicId: ZERO_UUID, partitionData }],
    });
    const { errorCode } = responses[0]!.partitionResponses[0]!;
    if (errorCode === 0) this.#sequences.set(key, baseSequence + 1);
    return errorCode;
  }

  async end(committed: boolean, version = this.isNewer ? 5 : 4): Promise<number> {
    const { producerId, producerEpoch, transactionalId } = this;
    const request = { transactionalId, producerId, producerEpoch, committed };
    const answer = await this.broker.call(EndTxn, version, request);
    if (answer.errorCode === 0 && answer.producerId >= 0) this.#use(answer);
    return answer.errorCode;
  }

  #use({ producerId, producerEpoch }: { producerId: number; producerEpoch: number }): void {
    this.producerId = producerId;
    if (producerEpoch !== this.producerEpoch) this.#sequences.clear();
    this.producerEpoch = producerEpoch;
  }
}

/** What a consumer of committed records is told of a partition from its start. */
export async function committed(broker: WholeBroker, topic: string, partition = 0) {
  const partitions = [{ partition, fetchOffset: 0, partitionMaxBytes: 1 << 20 }];
  const { responses } = await broker.call(Fetch, 11, {
    ...{ maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 20, isolationLevel: 1 },
    topics: [{ topic, partitions }],
  });
  const { lastStableOffset, highWatermark, abortedTransactions } = responses[0]!.partitions[0]!;
  return {
    ...{ lastStableOffset, highWatermark },
    aborted: abortedTransactions!.map(({ firstOffset }) => firstOffset),
  };
}

/** The same, once no transaction is open: the markers are written after an end was answered. */
export async function whenStable(broker: WholeBroker, topic: string, partition = 0) {
  for (let turns = 0; turns < 100; turns++) {
    const found = await committed(broker, topic, partition);
    if (found.lastStableOffset === found.highWatermark) return found;
    await turn();
  }
  throw new Error(`a transaction of ${topic}-${partition} stays open`);
}
