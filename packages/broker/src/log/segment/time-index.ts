import { int64At, setInt64 } from "@tarpan/protocol";

const ENTRY_BYTES = 12;

/**
 * Kafka's `.timeindex` file: the max timestamp so far, ms, and the relative last offset of the
 * batch that has it, both ascending, 8 + 4 bytes per entry, big-endian.
 */
export class TimeIndex {
  #timestamps = new Float64Array(0);
  #offsets = new Int32Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }
  get sizeBytes(): number {
    return this.#timestamps.byteLength + this.#offsets.byteLength;
  }
  get lastTimestamp(): number {
    return this.#length === 0 ? -1 : this.#timestamps[this.#length - 1]!;
  }
  get lastRelativeOffset(): number {
    return this.#length === 0 ? -1 : this.#offsets[this.#length - 1]!;
  }

  /** Adds an entry if `timestamp` is a new maximum. */
  append(timestamp: number, relativeOffset: number): void {
    if (timestamp <= this.lastTimestamp) return;
    if (this.#length === this.#offsets.length) this.#grow();
    this.#timestamps[this.#length] = timestamp;
    this.#offsets[this.#length] = relativeOffset;
    this.#length += 1;
  }

  /** A relative offset before which no batch has a max timestamp of `timestamp` or later. */
  floor(timestamp: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#timestamps[middle]! <= timestamp) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : this.#offsets[low - 1]!;
  }

  /** The file's bytes from entry `from` on. */
  encode(from = 0): Uint8Array {
    const bytes = new Uint8Array((this.#length - from) * ENTRY_BYTES);
    const view = new DataView(bytes.buffer);
    for (let i = from; i < this.#length; i++) {
      setInt64(view, (i - from) * ENTRY_BYTES, this.#timestamps[i]!);
      view.setInt32((i - from) * ENTRY_BYTES + 8, this.#offsets[i]!);
    }
    return bytes;
  }

  /**
   * Decodes entries of offsets below `endRelativeOffset`; null when the bytes cannot be such an
   * index. Later entries are dropped if `mayPassEnd`, else an error.
   */
  static decode(
    bytes: Uint8Array,
    endRelativeOffset: number,
    mayPassEnd: boolean,
  ): TimeIndex | null {
    if (bytes.byteLength % ENTRY_BYTES !== 0) return null;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const index = new TimeIndex();
    for (let at = 0; at < bytes.byteLength; at += ENTRY_BYTES) {
      const timestamp = int64At(view, at);
      const relativeOffset = view.getInt32(at + 8);
      const ascends = timestamp > index.lastTimestamp && relativeOffset > index.lastRelativeOffset;
      if (!ascends) return null;
      if (relativeOffset >= endRelativeOffset) return mayPassEnd ? index : null;
      index.append(timestamp, relativeOffset);
    }
    return index;
  }

  #grow(): void {
    const length = Math.max(16, 2 * this.#length);
    const timestamps = new Float64Array(length);
    timestamps.set(this.#timestamps);
    const offsets = new Int32Array(length);
    offsets.set(this.#offsets);
    this.#timestamps = timestamps;
    this.#offsets = offsets;
  }
}
