import { once } from "node:events";
import { connect, type Socket } from "node:net";
import {
  type Api,
  decodeResponse,
  encodeRequest,
  type Fields,
  type Input,
  type Output,
} from "@tarpan/protocol";
import { LENGTH_BYTES } from "./frames.ts";

/** Sends one request at a time, to prepare and check a measurement. */
export class Connection {
  readonly #socket: Socket;
  #correlationId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    // "close" follows, which rejects the waiting requests.
    socket.on("error", () => {});
  }

  /** Rejects if the connection is refused. */
  static async open(port: number): Promise<Connection> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect");
    return new Connection(socket);
  }

  async request<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Input<Q>,
  ): Promise<Output<S>> {
    const correlationId = ++this.#correlationId;
    const header = { correlationId, clientId: "bench" };
    const frame = this.exchange(Buffer.concat(encodeRequest(api, version, header, body)));
    return decodeResponse(api, version, (await frame).subarray(LENGTH_BYTES)).body;
  }

  /** Sends a whole frame and resolves to the next one, length prefix included. */
  exchange(frame: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error("the connection was closed"));
      let received: Buffer = Buffer.alloc(0);
      const onClose = () => reject(new Error("the connection was closed"));
      const onData = (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        if (received.length < LENGTH_BYTES) return;
        if (received.length < LENGTH_BYTES + received.readInt32BE(0)) return;
        this.#socket.off("data", onData).off("close", onClose);
        resolve(received);
      };
      this.#socket.on("data", onData).on("close", onClose);
      this.#socket.write(frame);
    });
  }

  /** Gives the socket to a load, which sends on it from now on. */
  detach(): Socket {
    return this.#socket;
  }

  close(): void {
    this.#socket.destroy();
  }
}
