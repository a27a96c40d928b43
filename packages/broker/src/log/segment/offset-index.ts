const ENTRY_BYTES = 8;

/**
 * Kafka's `.index` file: the relative last offset and the position of some batches, ascending,
 * 4 + 4 bytes per entry, big-endian.
 */
export class OffsetIndex {
  #entries = new Int32Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }
  get sizeBytes(): number {
    return this.#entries.byteLength;
  }
  get lastPosition(): number {
    return this.#length === 0 ? 0 : this.#entries[2 * this.#length - 1]!;
  }

  append(relativeOffset: number, position: number): void {
    if (2 * this.#length === this.#entries.length) this.#grow();
    this.#entries[2 * this.#length] = relativeOffset;
    this.#entries[2 * this.#length + 1] = position;
    this.#length += 1;
  }

  /** The last entry at or before `relativeOffset`, null when there is none. */
  floor(relativeOffset: number): { relativeOffset: number; position: number } | null {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entries[2 * middle]! <= relativeOffset) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return null;
    const at = 2 * (low - 1);
    return { relativeOffset: this.#entries[at]!, position: this.#entries[at + 1]! };
  }

  /** The file's bytes from entry `from` on. */
  encode(from = 0): Uint8Array {
    const bytes = new Uint8Array((this.#length - from) * ENTRY_BYTES);
    const view = new DataView(bytes.buffer);
    for (let i = 2 * from; i < 2 * this.#length; i++)
      view.setInt32((i - 2 * from) * 4, this.#entries[i]!);
    return bytes;
  }

  /**
   * Decodes a file's entries for batches that begin before `endPosition`; null when the bytes
   * cannot be an index of that segment. Later entries are dropped if `mayPassEnd`, else an error.
   */
  static decode(bytes: Uint8Array, endPosition: number, mayPassEnd: boolean): OffsetIndex | null {
    if (bytes.byteLength % ENTRY_BYTES !== 0) return null;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const index = new OffsetIndex();
    let lastOffset = -1;
    let lastPosition = -1;
    for (let at = 0; at < bytes.byteLength; at += ENTRY_BYTES) {
      const relativeOffset = view.getInt32(at);
      const position = view.getInt32(at + 4);
      if (relativeOffset <= lastOffset || position <= lastPosition) return null;
      if (position >= endPosition) return mayPassEnd ? index : null;
      index.append(relativeOffset, position);
      lastOffset = relativeOffset;
      lastPosition = position;
    }
    return index;
  }

  #grow(): void {
    const larger = new Int32Array(Math.max(16, 2 * this.#entries.length));
    larger.set(this.#entries);
    this.#entries = larger;
  }
}
