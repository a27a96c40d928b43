import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  EndTxn,
  ErrorCode,
  encodeBatch,
  InitProducerId,
  Produce,
  TxnOffsetCommit,
} from "@tarpan/protocol";
import { textRecord } from "../harness/records.ts";
import type { RoutedClient, Target } from "./routed-client.ts";

/** Longer than a broker takes to start. What the dead leave open ends after it. */
const TIMEOUT_MS = 6_000;

/**
 * A transactional producer of single requests, each sent again until it is answered. A newer one
 * speaks transactions v2: an epoch for each transaction, and batches that add their partitions.
 */
export class TransactionalClient {
  readonly #client: RoutedClient;
  readonly transactionalId: string;
  readonly #isNewer: boolean;
  readonly #timeoutMs: number;
  readonly #coordinator: Target;
  #producerId = -1;
  #producerEpoch = -1;
  readonly #sequences = new Map<string, number>();

  constructor(
    client: RoutedClient,
    transactionalId: string,
    isNewer: boolean,
    timeoutMs = TIMEOUT_MS,
  ) {
    this.#client = client;
    this.transactionalId = transactionalId;
    this.#isNewer = isNewer;
    this.#timeoutMs = timeoutMs;
    this.#coordinator = { key: transactionalId, keyType: "transaction" };
  }

  /** As a new instance: fences those before it, and aborts what they left open. */
  async begin(): Promise<void> {
    const transactionalId = this.transactionalId;
    const asked = { transactionalId, transactionTimeoutMs: this.#timeoutMs };
    const api = [InitProducerId, 5] as const;
    const answer = await this.#client.ask(this.#coordinator, api, asked, codeOf);
    this.#use(answer);
  }

  /** Resolves to the offset of the first one. */
  async send(topic: string, partition: number, values: readonly string[]): Promise<number> {
    const transactionalId = this.transactionalId;
    if (!this.#isNewer) await this.#add(topic, partition);
    const key = `${topic}-${partition}`;
    const baseSequence = this.#sequences.get(key) ?? 0;
    const producer = { producerId: this.#producerId, producerEpoch: this.#producerEpoch };
    const fields = { ...producer, baseSequence, transactional: true };
    const timestamp = this.#client.wire.wallMs();
    const recordOf = (value: string) => ({ ...textRecord(value), timestamp });
    const records = encodeBatch(values.map(recordOf), fields);
    const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }];
    const { responses } = await this.#client.ask(
      { topic, partition },
      [Produce, this.#isNewer ? 12 : 11],
      { transactionalId, acks: -1, timeoutMs: 4_000, topicData },
      (answer) => answer.responses[0]!.partitionResponses[0]!.errorCode,
    );
    this.#sequences.set(key, baseSequence + values.length);
    return responses[0]!.partitionResponses[0]!.baseOffset;
  }

  async sendOffset(groupId: string, topic: string, partition: number, offset: number) {
    const own = this.#own();
    if (!this.#isNewer) {
      const api = [AddOffsetsToTxn, 3] as const;
      await this.#client.ask(this.#coordinator, api, { ...own, groupId }, codeOf);
    }
    const partitions = [
      { partitionIndex: partition, committedOffset: offset, committedMetadata: null },
    ];
    await this.#client.ask(
      { key: groupId, keyType: "group" },
      [TxnOffsetCommit, this.#isNewer ? 5 : 3],
      { ...own, groupId, topics: [{ name: topic, partitions }] },
      ({ topics }) => topics[0]!.partitions[0]!.errorCode,
    );
  }

  async end(committed: boolean): Promise<void> {
    const api = [EndTxn, this.#isNewer ? 5 : 4] as const;
    const asked = { ...this.#own(), committed };
    this.#use(await this.#client.ask(this.#coordinator, api, asked, codeOf));
  }

  /** Asks for the end, and dies before the answer. */
  endUnheard(committed: boolean): void {
    const api = [EndTxn, this.#isNewer ? 5 : 4] as const;
    this.#client.once(this.#coordinator, api, { ...this.#own(), committed }).catch(() => {});
  }

  async #add(topic: string, partition: number): Promise<void> {
    await this.#client.ask(
      this.#coordinator,
      [AddPartitionsToTxn, 3],
      {
        v3AndBelowTransactionalId: this.transactionalId,
        v3AndBelowProducerId: this.#producerId,
        v3AndBelowProducerEpoch: this.#producerEpoch,
        v3AndBelowTopics: [{ name: topic, partitions: [partition] }],
      },
      ({ resultsByTopicV3AndBelow: [added] }) => added!.resultsByPartition[0]!.partitionErrorCode,
    );
  }

  #own() {
    return {
      transactionalId: this.transactionalId,
      producerId: this.#producerId,
      producerEpoch: this.#producerEpoch,
    };
  }

  #use({ producerId, producerEpoch }: { producerId: number; producerEpoch: number }): void {
    // Older versions of EndTxn tell none.
    if (producerId < 0) return;
    if (producerEpoch !== this.#producerEpoch || producerId !== this.#producerId) {
      this.#sequences.clear();
    }
    this.#producerId = producerId;
    this.#producerEpoch = producerEpoch;
  }
}

/** Refusals that a producer gets whose transaction took too long, or that is replaced. */
export const FENCING: readonly number[] = [
  ErrorCode.PRODUCER_FENCED,
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.INVALID_TXN_STATE,
  ErrorCode.TRANSACTION_ABORTABLE,
];

const codeOf = ({ errorCode }: { errorCode: number }) => errorCode;
