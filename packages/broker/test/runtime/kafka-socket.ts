import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import {
  type Api,
  decodeResponse,
  encodeRequest,
  type Fields,
  type Input,
  type Output,
} from "@tarpan/protocol";

/** Node takes the options of a TCP connection, too. */
export type TlsOptions = ConnectionOptions & { readonly localAddress?: string };

/** A client's connection to a real port: sends requests, or any bytes, and reads frames. */
export class KafkaSocket implements Disposable {
  readonly socket: Socket;
  #bytes = Buffer.alloc(0);
  #ended: Error | true | null = null;
  #wake: () => void = () => {};
  #correlationId = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    const end = (why: Error | true) => {
      this.#ended ??= why;
      this.#wake();
    };
    socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    socket.on("error", end);
    socket.on("end", () => end(true));
    socket.on("close", () => end(true));
  }

  static plain(port: number, host = "127.0.0.1"): KafkaSocket {
    return new KafkaSocket(connect(port, host));
  }

  static tls(port: number, options: TlsOptions): KafkaSocket {
    return new KafkaSocket(
      connectTls({ host: "127.0.0.1", servername: "localhost", port, ...options }),
    );
  }

  async send<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Input<Q>,
  ): Promise<Output<S>> {
    const correlationId = ++this.#correlationId;
    const header = { correlationId, clientId: "test" };
    for (const chunk of encodeRequest(api, version, header, body)) this.socket.write(chunk);
    return decodeResponse(api, version, await this.frame()).body;
  }

  /** Sends bytes as a frame. */
  write(bytes: Uint8Array): void {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    this.socket.write(length);
    this.socket.write(bytes);
  }

  /** The next frame. Rejects if the connection ends before it. */
  async frame(): Promise<Uint8Array> {
    for (;;) {
      const length = this.#bytes.length < 4 ? Number.POSITIVE_INFINITY : this.#bytes.readUInt32BE();
      if (this.#bytes.length >= 4 + length) {
        const frame = this.#bytes.subarray(4, 4 + length);
        this.#bytes = this.#bytes.subarray(4 + length);
        return frame;
      }
      if (this.#ended !== null) throw this.#ended === true ? new Error("closed") : this.#ended;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Resolves when the broker has ended the connection; rejects if it sends a frame first. */
  async closed(): Promise<void> {
    const frame = await this.frame().catch(() => null);
    if (frame !== null) throw new Error(`a frame of ${frame.length} bytes instead of an end`);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
