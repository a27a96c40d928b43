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

const LENGTH_BYTES = 4;
/** Distinguishes our own requests from those of the clients under test. */
export const RAW_CLIENT_ID = "raw";

/**
 * A connection that sends any bytes, valid or not, and returns frames in the order of arrival.
 */
export class RawConnection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #frames: Buffer[] = [];
  #waiting: { resolve(frame: Buffer): void; reject(error: Error): void }[] = [];
  #correlationId = 0;
  /** Resolves when the broker, or `close`, has closed the connection. */
  readonly closed: Promise<void>;
  #isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.#receive(bytes));
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#isClosed = true;
        for (const { reject } of this.#waiting.splice(0)) reject(connectionClosed());
        resolve();
      });
    });
  }

  static async open(port: number, host = "127.0.0.1"): Promise<RawConnection> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, "connect");
    return new RawConnection(socket);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends bytes as they are. */
  send(...chunks: Uint8Array[]): void {
    for (const chunk of chunks) this.#socket.write(chunk);
  }

  /** Stops reading: the broker's responses fill its buffers. */
  pause(): void {
    this.#socket.pause();
  }

  /** The next frame, without its length prefix. Rejects if the connection is closed first. */
  nextFrame(): Promise<Buffer> {
    const frame = this.#frames.shift();
    if (frame) return Promise.resolve(frame);
    if (this.#isClosed) return Promise.reject(connectionClosed());
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Sends a request and decodes the next frame, which must be its response. */
  async request<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Input<Q>,
  ): Promise<Output<S>> {
    const correlationId = ++this.#correlationId;
    this.send(...encodeRequest(api, version, { correlationId, clientId: RAW_CLIENT_ID }, body));
    const response = decodeResponse(api, version, await this.nextFrame());
    if (response.correlationId !== correlationId) {
      throw new Error(`answer ${response.correlationId} to request ${correlationId}`);
    }
    return response.body;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Closes with a reset, which frees the port at once: for tests that open many connections. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  #receive(bytes: Buffer): void {
    let buffer = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    while (buffer.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + buffer.readInt32BE(0);
      if (buffer.length < end) break;
      const frame = buffer.subarray(LENGTH_BYTES, end);
      const waiting = this.#waiting.shift();
      if (waiting) waiting.resolve(frame);
      else this.#frames.push(frame);
      buffer = buffer.subarray(end);
    }
    this.#received = buffer;
  }
}

function connectionClosed(): Error {
  return new Error("the connection was closed");
}
