import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { type Bus, BusError } from "./bus.ts";
import { decodeValue, encodeValue } from "./plain-values.ts";

/** The bus of a cluster whose engine is NATS: core messages beside its streams. */
export class NatsBus implements Bus {
  readonly #nats: NatsConnection;

  constructor(nats: NatsConnection) {
    this.#nats = nats;
  }

  publish(subject: string, message: unknown): void {
    if (!this.#nats.isClosed()) this.#nats.publish(subject, encodeValue(message));
  }

  subscribe(subject: string, listener: (message: unknown) => void): () => void {
    return this.#listen(subject, ({ data }) => listener(decodeValue(data)));
  }

  serve(subject: string, answer: (request: unknown) => Promise<unknown>): () => void {
    return this.#listen(subject, async (message) => {
      const bytes = encodeValue(await answer(decodeValue(message.data)));
      // What is too large for a message must not be silence, or whoever asks would wait for it.
      const fits = bytes.length <= (this.#nats.info?.max_payload ?? 0);
      message.respond(fits ? bytes : new Uint8Array(0));
    });
  }

  async request(subject: string, message: unknown, timeoutMs: number): Promise<unknown> {
    try {
      const reply = await this.#nats.request(subject, encodeValue(message), { timeout: timeoutMs });
      if (reply.data.length === 0) throw new Error("the answer is too large");
      return decodeValue(reply.data);
    } catch (error) {
      const nobody = error instanceof Error && error.name === "NoRespondersError";
      throw new BusError(nobody ? "nobody" : "unknown", error);
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
