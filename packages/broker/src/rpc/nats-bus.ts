import type { Msg, NatsConnection } from "@nats-io/transport-node";
import type { Bus } from "./bus.ts";
import { RpcError } from "./rpc-error.ts";

/** Sent instead of an answer that is larger than NATS's max_payload. */
const TOO_LARGE = new Uint8Array(0);

/** The bus over core NATS messages, which no stream stores. */
export class NatsBus implements Bus {
  readonly #nats: NatsConnection;

  constructor(nats: NatsConnection) {
    this.#nats = nats;
  }

  publish(subject: string, frame: Uint8Array): void {
    if (!this.#nats.isClosed()) this.#nats.publish(subject, frame);
  }

  subscribe(subject: string, listener: (frame: Uint8Array) => void): () => void {
    return this.#listen(subject, ({ data }) => listener(data));
  }

  serve(subject: string, answer: (frame: Uint8Array) => Promise<Uint8Array>): () => void {
    return this.#listen(subject, async (message) => {
      const frame = await answer(message.data);
      if (this.#nats.isClosed()) return;
      // Without this the caller of an answer that is too large would wait for its time-out.
      const fits = frame.length <= (this.#nats.info?.max_payload ?? 0);
      message.respond(fits ? frame : TOO_LARGE);
    });
  }

  async request(subject: string, frame: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    try {
      // The client refuses a time-out below 1 ms.
      const timeout = Math.ceil(timeoutMs);
      const { data } = await this.#nats.request(subject, frame, { timeout });
      if (data.length === 0) throw new Error("the answer is too large");
      return data;
    } catch (error) {
      const { message, cause } = error as Error;
      // The server knew no subscriber, so no broker got the request.
      const isUnseen = cause instanceof Error && cause.name === "NoResponders";
      throw new RpcError(isUnseen ? "not-done" : "unknown", message, { cause: error });
    }
  }

  #listen(subject: string, listener: (message: Msg) => void): () => void {
    const subscription = this.#nats.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) listener(message);
      },
    });
    return () => subscription.unsubscribe();
  }
}
