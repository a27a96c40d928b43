import { once } from "node:events";
import { connect } from "node:net";
import { produceErrorAt, produceRequest } from "./frames.ts";
import { FrameHeads } from "./load/frame-heads.ts";
import { type Producers, StampedFrames } from "./stamped-frames.ts";

const WINDOW = 16;

/** Produces one batch `count` times to partition 0 of a topic. */
export function fill(port: number, topic: string, batch: Uint8Array, count: number): Promise<void> {
  const frame = produceRequest(topic, 0, batch, 0);
  return sendAll(port, topic, () => frame, count);
}

/** Produces one batch of each of `count` producers. */
export function fillWithProducers(
  port: number,
  topic: string,
  batch: { readonly batch: Uint8Array; readonly records: number },
  producers: Producers,
): Promise<void> {
  const frames = new StampedFrames(topic, batch, producers, WINDOW);
  return sendAll(port, topic, () => frames.next(), producers.count);
}

async function sendAll(
  port: number,
  topic: string,
  next: () => Buffer,
  count: number,
): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  const errorAt = produceErrorAt(topic);
  let sent = 0;
  let answered = 0;
  await new Promise<void>((resolve, reject) => {
    const send = () => {
      if (sent++ < count) socket.write(next());
    };
    const heads = new FrameHeads(errorAt + 2, (head) => {
      const errorCode = head.readInt16BE(errorAt);
      if (errorCode !== 0) reject(new Error(`Produce was answered with error ${errorCode}`));
      answered += 1;
      if (answered === count) resolve();
      else send();
    });
    socket.on("data", (chunk: Buffer) => heads.take(chunk));
    socket.on("close", () => reject(new Error("the connection was closed")));
    for (let i = 0; i < WINDOW; i++) send();
  });
  socket.destroy();
}
