// A produce load, in its own process: it sends the same frames, encoded beforehand, again and
// again, with a fixed number in flight. While it runs it reads only the error codes.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Produce } from "@tarpan/protocol";
import {
  batchOf,
  produceErrorAt,
  produceRequest,
  REQUEST_ID_AT,
  RESPONSE_ID_AT,
} from "../frames.ts";
import { loggedIn, type ScramLogin } from "../scram-login.ts";
import { type Producers, StampedFrames } from "../stamped-frames.ts";
import { FrameHeads } from "./frame-heads.ts";
import { type LoadResult, measure } from "./measure.ts";

export interface ProduceJob {
  readonly port: number;
  readonly topic: string;
  readonly partitions: number;
  readonly connections: number;
  /** Requests in flight on one connection. */
  readonly window: number;
  readonly recordBytes: number;
  /** A batch has as many records as fit. */
  readonly batchBytes: number;
  /** With it, the load logs in, at another listener. */
  readonly login?: ScramLogin;
  /** Idempotent producers, all on one partition and connection. */
  readonly producers?: Producers;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

const job = JSON.parse(process.argv[2]!) as ProduceJob;
const { batch, records } = batchOf(job.recordBytes, job.batchBytes);
const errorAt = produceErrorAt(job.topic);

/** Sends to its share of the partitions, in turn; each response allows the next request. */
class Producer {
  readonly #socket: Socket;
  readonly #frames: Buffer[] = [];
  readonly #stamped: StampedFrames | null;
  acknowledged = 0;
  #sent = 0;
  #stopped = false;

  constructor(socket: Socket, partitions: readonly number[]) {
    this.#socket = socket;
    const { topic, producers, window } = job;
    this.#stamped =
      producers === undefined
        ? null
        : new StampedFrames(topic, { batch, records }, producers, window);
    for (const partition of partitions)
      this.#frames.push(produceRequest(job.topic, partition, batch, this.#frames.length));
    const heads = new FrameHeads(errorAt + 2, (head) => this.#onAnswer(head));
    socket.on("data", (chunk: Buffer) => heads.take(chunk));
    socket.on("close", () => {
      if (!this.#stopped) throw new Error(`${Produce.name}: the connection was closed`);
    });
  }

  start(): void {
    for (let i = 0; i < job.window; i++) this.#send();
  }

  stop(): void {
    this.#stopped = true;
    this.#socket.destroy();
  }

  #send(): void {
    const sent = this.#sent++;
    this.#socket.write(this.#stamped?.next() ?? this.#frames[sent % this.#frames.length]!);
  }

  #onAnswer(head: Buffer): void {
    const errorCode = head.readInt16BE(errorAt);
    if (errorCode !== 0) throw new Error(`Produce was answered with error ${errorCode}`);
    const expected = this.#frames[this.acknowledged % this.#frames.length]!;
    const correlationId =
      this.#stamped === null ? expected.readInt32BE(REQUEST_ID_AT) : this.acknowledged % job.window;
    if (head.readInt32BE(RESPONSE_ID_AT) !== correlationId)
      throw new Error("answers are out of order");
    this.acknowledged += 1;
    this.#send();
  }
}

async function connected(): Promise<Socket> {
  const { login, port } = job;
  if (login !== undefined) return (await loggedIn(login)).detach();
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  return socket;
}

const producers = await Promise.all(
  Array.from({ length: job.connections }, async (_, i) => {
    const socket = await connected();
    const all = Array.from({ length: job.partitions }, (_, partition) => partition);
    return new Producer(
      socket,
      all.filter((partition) => partition % job.connections === i % job.partitions),
    );
  }),
);
for (const producer of producers) producer.start();
const result: LoadResult = await measure(job, () => {
  const requests = producers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  return { requests, sizeBytes: requests * batch.length, records: requests * records };
});
for (const producer of producers) producer.stop();
console.log(JSON.stringify(result));
