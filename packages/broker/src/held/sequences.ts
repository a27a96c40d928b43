/** Sequences are 32-bit integers. */
const MAX_SEQUENCE = 2 ** 31 - 1;

interface Producer {
  readonly id: number;
  next: number;
}

/**
 * The producer ids and sequences of a shard's new deliveries. All places share one producer id; a
 * place that has refused a delivery gets another, because it must not take the next delivery of
 * these sequences for the refused one.
 */
export class Sequences {
  readonly #newProducerId: () => Promise<number>;
  readonly #byPlace = new Map<string, Producer>();
  #shared: number | null = null;

  constructor(newProducerId: () => Promise<number>) {
    this.#newProducerId = newProducerId;
  }

  /** For the next delivery to `place`, of at most `count` records. Rejects if there is no id. */
  async next(place: string, count: number): Promise<{ producerId: number; firstSequence: number }> {
    let producer = this.#byPlace.get(place);
    if (producer === undefined) {
      this.#shared ??= await this.#newProducerId();
      producer = { id: this.#shared, next: 0 };
    } else if (producer.next + count > MAX_SEQUENCE) {
      producer = { id: await this.#newProducerId(), next: 0 };
    }
    this.#byPlace.set(place, producer);
    return { producerId: producer.id, firstSequence: producer.next };
  }

  /** The next delivery to `place` has this many records. */
  use(place: string, count: number): void {
    this.#byPlace.get(place)!.next += count;
  }

  /** A delivery with these sequences was not appended. Rejects if no producer id can be had. */
  async renew(place: string): Promise<void> {
    this.#byPlace.set(place, { id: await this.#newProducerId(), next: 0 });
  }
}
