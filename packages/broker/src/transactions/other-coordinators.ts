import {
  type AddPartitionsToTxn,
  ErrorCode,
  type RequestInput,
  type ResponseInput,
} from "@tarpan/protocol";
import { Batches } from "../util/batches.ts";
import { TRANSACTIONS_PER_REQUEST } from "./limits.ts";
import type { PartitionInTransaction } from "./verifier.ts";

type Asked = RequestInput<typeof AddPartitionsToTxn>["transactions"];
type Answers = ResponseInput<typeof AddPartitionsToTxn>["resultsByTransaction"];

/** Asks the coordinator on another broker; the answers are in the order of the transactions. */
export type AskPartitions = (
  brokerId: number,
  transactions: NonNullable<Asked>,
) => Promise<NonNullable<Answers>>;

/** The coordinators of transactions on other brokers. */
export class OtherCoordinators {
  readonly #ask: AskPartitions;
  readonly #byBroker = new Map<number, Batches<One<Asked>, One<Answers>>>();

  constructor(ask: AskPartitions) {
    this.#ask = ask;
  }

  /** See TransactionVerifier. */
  async verify(
    brokerId: number,
    { transactionalId, producerId, producerEpoch, topic, partition }: PartitionInTransaction,
    adds: boolean,
  ): Promise<ErrorCode> {
    const topics = [{ name: topic, partitions: [partition] }];
    const producer = { transactionalId, producerId, producerEpoch };
    try {
      const answer = await this.#batchesOf(brokerId).add({
        ...producer,
        verifyOnly: !adds,
        topics,
      });
      return answer.topicResults[0]!.resultsByPartition[0]!.partitionErrorCode as ErrorCode;
    } catch {
      return ErrorCode.NETWORK_EXCEPTION;
    }
  }

  #batchesOf(brokerId: number): Batches<One<Asked>, One<Answers>> {
    let batches = this.#byBroker.get(brokerId);
    if (batches === undefined) {
      batches = new Batches((asked) => this.#ask(brokerId, asked), TRANSACTIONS_PER_REQUEST);
      this.#byBroker.set(brokerId, batches);
    }
    return batches;
  }
}

type One<Many> = NonNullable<Many> extends readonly (infer T)[] ? T : never;
