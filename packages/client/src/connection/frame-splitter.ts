import { ConnectionError } from "../errors.ts";
import { MAX_RESPONSE_BYTES } from "../limits.ts";

const LENGTH_BYTES = 4;

/**
 * Cuts a stream of chunks into frames. A frame that lies in one chunk is a view of it, not a copy.
 */
export class FrameSplitter {
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  /** Buffered bytes needed to go on: a length, or a length and its frame. */
  #needed = LENGTH_BYTES;

  /** Throws ConnectionError on a length that can't be a Kafka response. */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    while (this.#buffered >= this.#needed) {
      const bytes = this.#joined();
      const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0);
      if (length < 4 || length > MAX_RESPONSE_BYTES)
        throw new ConnectionError(
          `the server does not speak the Kafka protocol (a frame of ${length} bytes)`,
        );
      const end = LENGTH_BYTES + length;
      if (bytes.length < end) {
        this.#needed = end;
        return;
      }
      this.#needed = LENGTH_BYTES;
      this.#buffered = bytes.length - end;
      this.#chunks = this.#buffered === 0 ? [] : [bytes.subarray(end)];
      yield bytes.subarray(LENGTH_BYTES, end);
    }
  }

  #joined(): Uint8Array {
    const [first] = this.#chunks;
    if (this.#chunks.length === 1) return first!;
    const bytes = Buffer.concat(this.#chunks, this.#buffered);
    this.#chunks = [bytes];
    return bytes;
  }
}
