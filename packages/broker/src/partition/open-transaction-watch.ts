import type { Clock } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import { HANGING_MARGIN_MS } from "./limits.ts";
import type { Partition } from "./partition.ts";
import type { OldestTransaction } from "./producer-states.ts";

/** A partition of which readers of committed records wait for the end of a transaction. */
export interface HeldPartition extends OldestTransaction {
  readonly topic: string;
  readonly partition: number;
  /** Offsets that they can't read yet, up to the high watermark. */
  readonly lag: number;
  /** When this broker first saw that it is the oldest one, wall ms: it may have begun before. */
  readonly sinceMs: number;
  readonly openMs: number;
  /** Whether it is open for so long that its coordinator does not know it, or can't end it. */
  readonly isHanging: boolean;
}

interface Held {
  readonly partition: Partition;
  readonly transaction: OldestTransaction;
  /** Monotonic ms: a jump of the wall clock makes no transaction old. */
  readonly seenMs: number;
  isTold: boolean;
}

interface Parts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The current value of transaction.max.timeout.ms. */
  readonly maxTimeoutMs: () => number;
}

/**
 * Watches the oldest open transaction of each partition, which holds the last stable offset, and
 * tells the operator once about each that hangs.
 */
export class OpenTransactionWatch {
  readonly #parts: Parts;
  #held = new Map<string, Held>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Call regularly, with the partitions that this broker leads. */
  look(led: Iterable<{ readonly partition: Partition | null }>): void {
    const before = this.#held;
    this.#held = new Map();
    const nowMs = this.#parts.clock.monotonicMs();
    for (const { partition } of led) {
      const transaction = partition?.oldestTransaction ?? null;
      if (partition === null || transaction === null) continue;
      const key = `${partition.id.topicId}-${partition.id.partition}`;
      const known = before.get(key);
      const isSame = known !== undefined && isOne(known.transaction, transaction);
      const seen = isSame ? known : { seenMs: nowMs, isTold: false };
      const held: Held = { partition, transaction, seenMs: seen.seenMs, isTold: seen.isTold };
      this.#held.set(key, held);
      if (isSame) before.delete(key);
      this.#tellHanging(held, nowMs);
    }
    for (const held of before.values()) if (held.isTold) this.#tellEnd(held);
  }

  /** As of the last look, without those that have ended since. */
  *held(): Generator<HeldPartition> {
    const { clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    for (const { partition, transaction, seenMs } of this.#held.values()) {
      const now = partition.oldestTransaction;
      if (now === null || !isOne(now, transaction)) continue;
      const openMs = nowMs - seenMs;
      yield {
        ...{ topic: partition.id.topic, partition: partition.id.partition, ...now },
        lag: partition.highWatermark - partition.lastStableOffset,
        ...{ sinceMs: Math.round(clock.wallMs() - openMs), openMs: Math.round(openMs) },
        isHanging: this.#isHanging(openMs),
      };
    }
  }

  #isHanging(openMs: number): boolean {
    return openMs > this.#parts.maxTimeoutMs() + HANGING_MARGIN_MS;
  }

  #tellHanging(held: Held, nowMs: number): void {
    const openMs = nowMs - held.seenMs;
    if (held.isTold || !this.#isHanging(openMs)) return;
    held.isTold = true;
    const { topic, partition } = held.partition.id;
    const { producerId, producerEpoch, transactionalId, startOffset } = held.transaction;
    const name = transactionalId === null ? "unknown" : JSON.stringify(transactionalId);
    const minutes = Math.floor(openMs / 60_000);
    this.#parts.logger.warn(
      `${topic}-${partition}: readers of committed records wait at offset ${startOffset} for a ` +
        `transaction that has been open for ${minutes} min, longer than transaction.max.timeout.ms: ` +
        `producer id ${producerId}, epoch ${producerEpoch}, transactional id ${name}. See whether ` +
        `its coordinator knows it: tarpan transactions find-hanging --topic ${topic}; if it is ` +
        `listed there, end it: tarpan transactions abort --topic ${topic} --partition ${partition} ` +
        `--start-offset ${startOffset}`,
      { topic, partition, producerId, producerEpoch, transactionalId, startOffset },
    );
  }

  #tellEnd({ partition: { id }, transaction: { producerId, startOffset } }: Held): void {
    this.#parts.logger.info(
      `${id.topic}-${id.partition}: the hanging transaction of producer id ${producerId} at offset ` +
        `${startOffset} is over here`,
    );
  }
}

function isOne(a: OldestTransaction, b: OldestTransaction): boolean {
  return a.producerId === b.producerId && a.startOffset === b.startOffset;
}
