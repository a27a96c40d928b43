import { LargeFrame } from "./large-frame.ts";
import { CHUNK_BYTES, LARGE_FRAME_BYTES, SERVER_LIMITS, SMALL_CHUNK_BYTES } from "./limits.ts";
import { RefusedRequest } from "./refused-request.ts";

const PREFIX_BYTES = 4;
const UNKNOWN = -1;

/** How a TLS handshake begins, read as a frame's length: a handshake record of TLS 1.x. */
const TLS_HANDSHAKE = 0x1603;

/**
 * Cuts length-prefixed frames out of a byte stream, on demand: until then the bytes stay in the
 * received chunks, so that a thousand waiting requests are not a thousand objects.
 *
 * Invariants:
 * 1. A frame within one chunk is a view of it. A frame that spans chunks is copied once, when it is
 *    complete; a large one also while it is received.
 * 2. No memory is allocated for bytes that a length prefix announces and that have not arrived.
 * 3. No two neighbouring chunks are both small, so the chunks take little more than their bytes.
 */
export class FrameReader {
  readonly #chunks: Uint8Array[] = [];
  /** Index of the first chunk not yet used up, and the offset in it. */
  #head = 0;
  #at = 0;
  #bufferedBytes = 0;
  #frameBytes = UNKNOWN;
  /** A large frame that is being received; until it is complete there are no chunks. */
  #large: LargeFrame | null = null;
  readonly #isCrowded: () => boolean;
  /** May change between frames. */
  maxFrameBytes: number;

  /** `isCrowded`: whether frames above CHUNK_BYTES count as large, because memory is scarce. */
  constructor(isCrowded: () => boolean = () => false, maxFrameBytes = SERVER_LIMITS.maxFrameBytes) {
    this.#isCrowded = isCrowded;
    this.maxFrameBytes = maxFrameBytes;
  }

  /** Bytes pushed and not yet handed out. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  push(chunk: Uint8Array): void {
    this.#bufferedBytes += chunk.length;
    const taken = this.#large?.add(chunk) ?? 0;
    if (taken < chunk.length) this.#keep(taken === 0 ? chunk : chunk.subarray(taken));
  }

  /** The next frame without its prefix, null until more bytes come. Throws RefusedRequest. */
  next(): Uint8Array | null {
    if (this.#frameBytes === UNKNOWN) {
      if (this.#bufferedBytes < PREFIX_BYTES) return null;
      this.#frameBytes = this.#takePrefix();
    }
    if (this.#bufferedBytes < this.#frameBytes) {
      if (this.#large === null && this.#isLarge()) this.#beginLarge();
      return null;
    }
    const frame =
      this.#large === null ? this.#take(this.#frameBytes) : this.#takeLarge(this.#large);
    this.#frameBytes = UNKNOWN;
    return frame;
  }

  /** Releases the bytes received so far. */
  drop(): void {
    this.#large?.drop();
  }

  #keep(chunk: Uint8Array): void {
    const last = this.#chunks.length - 1;
    const rest = last < this.#head ? undefined : this.#unread(last);
    if (
      rest === undefined ||
      rest.length >= SMALL_CHUNK_BYTES ||
      chunk.length >= SMALL_CHUNK_BYTES
    ) {
      this.#chunks.push(chunk);
      return;
    }
    const merged = new Uint8Array(rest.length + chunk.length);
    merged.set(rest);
    merged.set(chunk, rest.length);
    this.#chunks[last] = merged;
    if (last === this.#head) this.#at = 0;
  }

  #isLarge(): boolean {
    const bytes = this.#bufferedBytes;
    return bytes > LARGE_FRAME_BYTES || (bytes > CHUNK_BYTES && this.#isCrowded());
  }

  #beginLarge(): void {
    this.#large = new LargeFrame(this.#frameBytes);
    for (let i = this.#head; i < this.#chunks.length; i++) this.#large.add(this.#unread(i));
    this.#chunks.length = 0;
    this.#head = 0;
    this.#at = 0;
  }

  #takeLarge(large: LargeFrame): Uint8Array {
    this.#bufferedBytes -= this.#frameBytes;
    this.#large = null;
    return large.take();
  }

  #takePrefix(): number {
    let length = 0;
    for (let i = 0; i < PREFIX_BYTES; i++) length = (length << 8) | this.#takeByte();
    if (length <= 0 || length > this.maxFrameBytes) throw badLength(length, this.maxFrameBytes);
    return length;
  }

  /** Takes `length` bytes, which must have arrived. */
  #take(length: number): Uint8Array {
    this.#bufferedBytes -= length;
    const chunk = this.#chunks[this.#head]!;
    const end = this.#at + length;
    if (end <= chunk.length) {
      const part = chunk.subarray(this.#at, end);
      this.#advance(end, chunk);
      return part;
    }
    return this.#gather(length);
  }

  #takeByte(): number {
    const chunk = this.#chunks[this.#head]!;
    const byte = chunk[this.#at]!;
    this.#bufferedBytes--;
    this.#advance(this.#at + 1, chunk);
    return byte;
  }

  #gather(length: number): Uint8Array {
    const whole = Buffer.allocUnsafeSlow(length);
    for (let filled = 0; filled < length; ) {
      const chunk = this.#chunks[this.#head]!;
      const end = Math.min(chunk.length, this.#at + length - filled);
      whole.set(chunk.subarray(this.#at, end), filled);
      filled += end - this.#at;
      this.#advance(end, chunk);
    }
    return whole;
  }

  #advance(at: number, chunk: Uint8Array): void {
    this.#at = at;
    if (at < chunk.length) return;
    this.#at = 0;
    this.#head++;
    // Used chunks are removed many at a time: removing each one would take quadratic time.
    if (this.#head === this.#chunks.length || this.#head === 64) {
      this.#chunks.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #unread(index: number): Uint8Array {
    const chunk = this.#chunks[index]!;
    return index === this.#head && this.#at > 0 ? chunk.subarray(this.#at) : chunk;
  }
}

/** For an impossible length prefix: the peer does not speak Kafka, or sent a wrong length. */
function badLength(length: number, maxBytes: number): RefusedRequest {
  if (length >>> 16 === TLS_HANDSHAKE) {
    const what = "it speaks TLS, and this listener is PLAINTEXT: set security.protocol=PLAINTEXT";
    return new RefusedRequest("tls", what);
  }
  const allowed = `1 to ${maxBytes}, socket.request.max.bytes`;
  return new RefusedRequest("frame-length", `a frame of ${length} bytes (allowed: ${allowed})`);
}
