// The raw limit of produce: the throughput of a Node process that does only TCP → CRC32C → file →
// ack. It loads no module of Tarpan and knows no protocol: it receives frames of one layout and
// sends a constant response.
//
// It never copies bytes: it checks and writes chunks as they come from the socket. The chunks that
// arrive during a write form the next write. With `flush: always` a write is O_DSYNC.

import { closeSync, constants, openSync, writev } from "node:fs";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { serve } from "./serve.ts";

export interface RawProduceJob {
  /** Position of the batch in a request, and the number of bytes after it. */
  readonly batchAt: number;
  readonly bytesAfterBatch: number;
  /** Position of the correlation id in a request, and in its response. */
  readonly requestIdAt: number;
  readonly answerIdAt: number;
  /** The response to every request, without its correlation id, in base64. */
  readonly answer: string;
  readonly flush: "always" | "never";
  /** Prefix of the files' names: each connection writes its own file. */
  readonly file: string;
}

// A checksum over several chunks needs an initial value, for which @tarpan/codecs has no parameter.
const { crc32c } = createRequire(import.meta.resolve("@tarpan/codecs"))("@node-rs/crc32") as {
  crc32c(bytes: Uint8Array, initial?: number): number;
};

/** Positions in a record batch of magic 2: the CRC, and the first byte that it covers. */
const CRC_AT = 17;
const CRC_FROM = 21;
/** Bytes of a frame's length prefix. */
const LENGTH_BYTES = 4;

const job = JSON.parse(process.argv[2]!) as RawProduceJob;
const ack = Buffer.from(job.answer, "base64");
const { O_RDWR, O_CREAT, O_TRUNC, O_DSYNC } = constants;
const flags = O_RDWR | O_CREAT | O_TRUNC | (job.flush === "always" ? O_DSYNC : 0);
let connections = 0;

serve((socket) => {
  const file = openSync(`${job.file}-${connections++}`, flags, 0o644);
  const writer = new GroupWriter(socket, file);
  socket.on("close", () => writer.end());
  const frames = new FrameChecker((correlationId) => writer.ackLater(correlationId));
  socket.on("data", (chunk: Buffer) => {
    writer.add(chunk);
    frames.take(chunk);
    writer.start();
  });
});

/** Finds the frames of one connection in its chunks. */
class FrameChecker {
  readonly #onFrame: (correlationId: number) => void;
  readonly #head = Buffer.alloc(job.batchAt + CRC_FROM);
  #at = 0;
  #frameBytes = 0;
  #crc = 0;

  constructor(onFrame: (correlationId: number) => void) {
    this.#onFrame = onFrame;
  }

  take(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#at < this.#head.length) at += this.#takeHead(chunk, at);
      else if (this.#at < this.#frameBytes - job.bytesAfterBatch)
        at += this.#takeRecords(chunk, at);
      else at += this.#takeEnd(chunk, at);
    }
  }

  #takeHead(chunk: Buffer, from: number): number {
    const count = Math.min(this.#head.length - this.#at, chunk.length - from);
    chunk.copy(this.#head, this.#at, from, from + count);
    this.#at += count;
    if (this.#at === this.#head.length) {
      this.#frameBytes = LENGTH_BYTES + this.#head.readInt32BE(0);
      this.#crc = 0;
    }
    return count;
  }

  #takeRecords(chunk: Buffer, from: number): number {
    const count = Math.min(this.#frameBytes - job.bytesAfterBatch - this.#at, chunk.length - from);
    this.#crc = crc32c(chunk.subarray(from, from + count), this.#crc);
    this.#at += count;
    return count;
  }

  #takeEnd(chunk: Buffer, from: number): number {
    const count = Math.min(this.#frameBytes - this.#at, chunk.length - from);
    this.#at += count;
    if (this.#at === this.#frameBytes) {
      if (this.#crc !== this.#head.readUInt32BE(job.batchAt + CRC_AT)) throw new Error("bad CRC");
      this.#at = 0;
      this.#onFrame(this.#head.readInt32BE(job.requestIdAt));
    }
    return count;
  }
}

/**
 * One write at a time, started when a whole frame waits: syncing half a frame would be useless. The
 * acks that waited for a write are sent as one packet.
 */
class GroupWriter {
  readonly #socket: Socket;
  readonly #file: number;
  #chunks: Buffer[] = [];
  #acks: number[] = [];
  #position = 0;
  #writing = false;
  #ended = false;

  constructor(socket: Socket, file: number) {
    this.#socket = socket;
    this.#file = file;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  ackLater(correlationId: number): void {
    this.#acks.push(correlationId);
  }

  /** Drops the bytes that are not written yet. */
  end(): void {
    this.#ended = true;
    if (!this.#writing) closeSync(this.#file);
  }

  start(): void {
    if (this.#writing || this.#acks.length === 0) return;
    this.#writing = true;
    const chunks = this.#chunks;
    const acks = this.#acks;
    this.#chunks = [];
    this.#acks = [];
    const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    writev(this.#file, chunks, this.#position, (error, written) => {
      if (error ?? written !== sizeBytes) throw error ?? new Error("a short write");
      this.#position += sizeBytes;
      this.#writing = false;
      if (this.#ended) return this.end();
      this.#socket.write(packetOf(acks));
      this.start();
    });
  }
}

function packetOf(acks: readonly number[]): Buffer {
  const packet = Buffer.allocUnsafe(acks.length * ack.length);
  for (let i = 0; i < acks.length; i++) {
    packet.set(ack, i * ack.length);
    packet.writeInt32BE(acks[i]!, i * ack.length + job.answerIdAt);
  }
  return packet;
}
