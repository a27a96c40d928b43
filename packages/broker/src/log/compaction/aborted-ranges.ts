/** Fields of an aborted transaction: its producer id, its first offset, that of its marker. */
export const ABORTED_FIELDS = 3;

/** Which records were aborted: those of a producer from its first offset to its marker. */
export class AbortedRanges {
  /** Of each producer, in order: first offset and marker, one after another. */
  readonly #byProducer = new Map<number, number[]>();

  /** `transactions` are in the order of their markers. */
  constructor(transactions: Float64Array) {
    for (let i = 0; i < transactions.length; i += ABORTED_FIELDS) {
      const [producerId, firstOffset, markerOffset] = transactions.subarray(i, i + ABORTED_FIELDS);
      const ranges = this.#byProducer.get(producerId!);
      if (ranges === undefined) this.#byProducer.set(producerId!, [firstOffset!, markerOffset!]);
      else ranges.push(firstOffset!, markerOffset!);
    }
  }

  include(producerId: number, offset: number): boolean {
    const ranges = this.#byProducer.get(producerId);
    if (ranges === undefined) return false;
    let low = 0;
    let high = ranges.length / 2;
    // The first range that ends after the offset.
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ranges[2 * middle + 1]! < offset) low = middle + 1;
      else high = middle;
    }
    return 2 * low < ranges.length && ranges[2 * low]! <= offset;
  }
}
