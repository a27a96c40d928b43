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
      message.respond(encodeValue(await answer(decodeValue(message.data))));
    });
  }

  async request(subject: string, message: unknown, timeoutMs: number): Promise<unknown> {
    try {
      const reply = await this.#nats.request(subject, encodeValue(message), { timeout: timeoutMs });
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
