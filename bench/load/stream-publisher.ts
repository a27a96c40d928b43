import { createInbox, type NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";

/** JetStream's answer; empty if no stream has the subject. */
interface Ack {
  readonly error?: { readonly description: string };
  readonly seq?: number;
}

/**
 * Publishes to streams as fast as nats.js can: one subscription for all acks of a connection, and
 * no timer per message.
 */
export class StreamPublisher {
  readonly #connection: NatsConnection;
  readonly #inbox: string;

  private constructor(connection: NatsConnection, inbox: string) {
    this.#connection = connection;
    this.#inbox = inbox;
  }

  /** `onAck` gets the token of a publish and its error; null if it was stored. */
  static async connect(
    servers: readonly string[],
    onAck: (token: number, problem: string | null) => void,
  ): Promise<StreamPublisher> {
    const options = { maxReconnectAttempts: -1, reconnectTimeWait: 100 };
    const connection = await connect({ servers: [...servers], ...options });
    const inbox = createInbox();
    connection.subscribe(`${inbox}.*`, {
      callback: (_error, message) => {
        const token = Number(message.subject.slice(inbox.length + 1));
        onAck(token, problemOf(message.data));
      },
    });
    await connection.flush();
    return new StreamPublisher(connection, inbox);
  }

  publish(subject: string, payload: Uint8Array, token: number): void {
    this.#connection.publish(subject, payload, { reply: `${this.#inbox}.${token}` });
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

function problemOf(data: Uint8Array): string | null {
  if (data.length === 0) return "no responders";
  const ack = JSON.parse(Buffer.from(data).toString()) as Ack;
  return ack.error?.description ?? (ack.seq === undefined ? "no sequence" : null);
}
