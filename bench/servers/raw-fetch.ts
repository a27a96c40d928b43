// The raw limit of fetch: file → TCP. Every request is answered with the next chunk of a file, read
// into a reused buffer that already has the constant rest of the response.

import { openSync, read } from "node:fs";
import type { Socket } from "node:net";
import { serve } from "./serve.ts";

export interface RawFetchJob {
  /** Position of the correlation id in a request, and in its response. */
  readonly requestIdAt: number;
  readonly answerIdAt: number;
  /** The bytes before and after the chunk in every response, in base64. */
  readonly before: string;
  readonly after: string;
  readonly file: string;
  readonly chunkBytes: number;
  /** After this many chunks the file is read from its start again. */
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

/** Reads ahead while earlier responses are sent; responses are sent in the order of requests. */
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
