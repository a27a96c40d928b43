import type { ErrorCode } from "@tarpan/protocol";
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
  epoch: number;
  /** The smallest sequence that came: a later batch must not become the first one. */
  lowestSequence: number;
  /** The question that is under way; null when there is none. */
  asked: { readonly epoch: number; readonly answer: Promise<ErrorCode> } | null;
}

/**
 * Asks the coordinator about a batch of `epoch`. The batches that come before the answer wait for
 * the same one: with one of their own they could overtake the first batch, and be refused.
 */
export function askOnce(
  verification: Verification,
  epoch: number,
  ask: () => Promise<ErrorCode>,
): Promise<ErrorCode> {
  if (verification.asked?.epoch === epoch) return verification.asked.answer;
  const asked = { epoch, answer: ask() };
  verification.asked = asked;
  const isAnswered = () => {
    if (verification.asked === asked) verification.asked = null;
  };
  asked.answer.then(isAnswered, isAnswered);
  return asked.answer;
}

/** The verifications of a partition that are under way, or have not been followed by a batch. */
export class Verifications {
  readonly #byProducer = new Map<number, Verification>();

  get(producerId: number): Verification | undefined {
    return this.#byProducer.get(producerId);
  }

  /** Batches that are sent before the first one is answered share one verification. */
  begin(
    producer: { producerId: number; producerEpoch: number; baseSequence: number },
    bumpsEpoch: boolean,
    nowMs: number,
  ): Verification {
    const { producerId, producerEpoch: epoch, baseSequence: lowestSequence } = producer;
    const known = this.#byProducer.get(producerId);
    if (known === undefined) {
      const began = { startedMs: nowMs, bumpsEpoch, epoch, lowestSequence };
      const verification: Verification = { ...began, asked: null };
      if (this.#byProducer.size >= MAX_PRODUCERS_PER_PARTITION) this.#forgetOldest();
      this.#byProducer.set(producerId, verification);
      return verification;
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
    this.#byProducer.delete(producerId);
  }

  /**
   * A marker came: an answer that is still under way may concern a transaction that is over. With
   * an epoch of its own, that of the next transaction is told from it.
   */
  ended(producerId: number, markerEpoch: number): void {
    const known = this.#byProducer.get(producerId);
    if (known?.bumpsEpoch && known.epoch === markerEpoch) return;
    this.#byProducer.delete(producerId);
  }

  /** Those that the coordinator refused stay until they expire, and anyone may ask. */
  #forgetOldest(): void {
    for (const producerId of this.#byProducer.keys()) {
      this.#byProducer.delete(producerId);
      return;
    }
  }

  expireBefore(timestampMs: number): void {
    for (const [producerId, { startedMs }] of this.#byProducer) {
      if (startedMs < timestampMs) this.#byProducer.delete(producerId);
    }
  }
}
