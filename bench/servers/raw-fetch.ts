// The raw limit of fetch: file → TCP. Every request, whatever it asks, is answered with the next
// chunk of a file, read into a reused buffer that already holds the constant rest of the answer.

import { openSync, read } from "node:fs";
import type { Socket } from "node:net";
import { serve } from "./serve.ts";

export interface RawFetchJob {
  /** Where in a request, and in its answer, the correlation id is. */
  readonly requestIdAt: number;
  readonly answerIdAt: number;
  /** What comes before and after the chunk in every answer, in base64. */
  readonly before: string;
  readonly after: string;
  readonly file: string;
  readonly chunkBytes: number;
  /** The file is read from its start again after so many. */
  readonly chunks: number;
}

const LENGTH_BYTES = 4;

const job = JSON.parse(process.argv[2]!) as RawFetchJob;
const before = Buffer.from(job.before, "base64");
const after = Buffer.from(job.after, "base64");
const answer = Buffer.concat([before, Buffer.alloc(job.chunkBytes), after]);
const file = openSync(job.file, "r");

serve((socket) => {
  const responder = new Responder(socket);
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + rest.readInt32BE(0);
      if (rest.length < end) return;
      responder.respond(rest.readInt32BE(job.requestIdAt));
      rest = rest.subarray(end);
    }
  });
});

/** Reads ahead while earlier answers are being sent; answers leave in the order of requests. */
class Responder {
  readonly #socket: Socket;
  readonly #free: Buffer[] = [];
  #next = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  respond(correlationId: number): void {
    const buffer = this.#free.pop() ?? Buffer.from(answer);
    buffer.writeInt32BE(correlationId, job.answerIdAt);
    const position = (this.#next++ % job.chunks) * job.chunkBytes;
    const filled = fill(buffer, position);
    this.#last = this.#last
      .then(() => filled)
      .then(() => {
        this.#socket.write(buffer, () => this.#free.push(buffer));
      });
  }
}

function fill(buffer: Buffer, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    read(file, buffer, before.length, job.chunkBytes, position, (error, count) => {
      if (error ?? count !== job.chunkBytes) reject(error ?? new Error("a short read"));
      else resolve();
    });
  });
}
