import type { ErrorCode } from "@tarpan/protocol";
import { type InUseOrder, UseOrder } from "../util/use-order.ts";
import { MAX_PRODUCERS_PER_PARTITION } from "./limits.ts";

/**
 * That the coordinator of transactions was asked about a producer's first batch in a transaction,
 * while nothing else has happened to this transaction here (Kafka's VerificationStateEntry,
 * KIP-890).
 */
export interface Verification {
  readonly startedMs: number;
  /** Whether each transaction of the producer has an epoch of its own. */
  readonly bumpsEpoch: boolean;
  readonly transactionalId: string | null;
  epoch: number;
  /** The smallest sequence that came: a later batch must not become the first one. */
  lowestSequence: number;
  /** While the coordinator is asked. */
  asked: Asked | null;
}

interface Asked {
  readonly transactionalId: string | null;
  readonly epoch: number;
  readonly answer: Promise<ErrorCode>;
}

/**
 * Asks the coordinator, unless it is being asked the same. Batches that come meanwhile share the
 * answer, so they go on in their order: with questions of their own, one that is answered at once
 * would overtake one that waits for the end of the transaction before.
 */
export function answerFor(
  verification: Verification,
  transactionalId: string | null,
  epoch: number,
  ask: () => Promise<ErrorCode>,
): Promise<ErrorCode> {
  const { asked } = verification;
  if (asked?.epoch === epoch && asked.transactionalId === transactionalId) return asked.answer;
  const answer = ask();
  const asking = { transactionalId, epoch, answer };
  verification.asked = asking;
  const isOver = () => {
    if (verification.asked === asking) verification.asked = null;
  };
  answer.then(isOver, isOver);
  return answer;
}

interface Entry extends Verification, InUseOrder<Entry> {
  readonly producerId: number;
}

/** The verifications of a partition that are under way, or have not been followed by a batch. */
export class Verifications {
  readonly #byProducer = new Map<number, Entry>();
  /** In the order of their begin. */
  readonly #order = new UseOrder<Entry>();

  get(producerId: number): Verification | undefined {
    return this.#byProducer.get(producerId);
  }

  /** Batches that are sent before the first one is answered share one verification. */
  begin(
    producer: { producerId: number; producerEpoch: number; baseSequence: number },
    bumpsEpoch: boolean,
    nowMs: number,
    transactionalId: string | null = null,
  ): Verification {
    const { producerId, producerEpoch: epoch, baseSequence: lowestSequence } = producer;
    const known = this.#byProducer.get(producerId);
    if (known === undefined) {
      return this.#add({
        ...{ startedMs: nowMs, bumpsEpoch, transactionalId, epoch, lowestSequence },
        ...{ producerId, asked: null, earlier: null, later: null },
      });
    }
    if (epoch > known.epoch) {
      known.epoch = epoch;
      known.lowestSequence = lowestSequence;
    } else if (epoch === known.epoch && lowestSequence < known.lowestSequence) {
      known.lowestSequence = lowestSequence;
    }
    return known;
  }

  /** The transaction has its first batch. */
  begun(producerId: number): void {
    this.#remove(this.#byProducer.get(producerId));
  }

  /**
   * A marker came: an answer that is still under way may concern a transaction that is over. With
   * an epoch of its own, that of the next transaction is told from it.
   */
  ended(producerId: number, markerEpoch: number): void {
    const known = this.#byProducer.get(producerId);
    if (known?.bumpsEpoch && known.epoch === markerEpoch) return;
    this.#remove(known);
  }

  expireBefore(timestampMs: number): void {
    for (const entry of this.#order) if (entry.startedMs < timestampMs) this.#remove(entry);
  }

  #add(entry: Entry): Verification {
    // Those that the coordinator refused stay until they expire, and anyone may ask.
    const isSurplus = this.#byProducer.size >= MAX_PRODUCERS_PER_PARTITION;
    if (isSurplus) this.#remove(this.#order.oldest ?? undefined);
    this.#byProducer.set(entry.producerId, entry);
    this.#order.used(entry);
    return entry;
  }

  #remove(entry: Entry | undefined): void {
    if (entry === undefined) return;
    this.#byProducer.delete(entry.producerId);
    this.#order.remove(entry);
  }
}
