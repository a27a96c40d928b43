// JetStream over a nats.js connection. Only types are imported from nats.js, so that a broker
// without a cluster never loads it.
//
// 1. One inbox subscription receives all replies; the last token of a reply's subject tells the
//    request. nats.js's own `request` would create a timer and two promises for each call.
// 2. When the connection breaks, all requests in flight end at once, because nats.js drops messages
//    that it has not sent.
import type { Msg, MsgHdrs, NatsConnection, Subscription } from "@nats-io/transport-node";
import type { Env, Timer } from "../../env/env.ts";
import { ACK_TIMEOUT_MS, REQUEST_TIMEOUT_MS, SWEEP_INTERVAL_MS } from "./limits.ts";
import type {
  ApiAnswer,
  DirectRead,
  JetStreamTransport,
  OutgoingMessage,
  PublishOutcome,
  StoredMessage,
} from "./transport.ts";

interface Ticket {
  readonly deadlineMs: number;
  /** True when no more replies are expected. */
  answered(message: Msg): boolean;
  gaveUp(reason: string): void;
}

export class NatsTransport implements JetStreamTransport {
  readonly #connection: NatsConnection;
  readonly #env: Pick<Env, "clock" | "timers">;
  readonly #inbox: string;
  readonly #replies: Subscription;
  readonly #tickets = new Map<string, Ticket>();
  #issued = 0;
  #sweep: Timer | null = null;
  #isConnected = true;
  #isClosed = false;
  #maxPayloadBytes: number;

  /** The connection's owner must close it, after the engine. */
  constructor(connection: NatsConnection, env: Pick<Env, "clock" | "timers" | "random">) {
    this.#connection = connection;
    this.#env = env;
    this.#maxPayloadBytes = connection.info?.max_payload ?? 0;
    this.#inbox = `_INBOX.${Buffer.from(env.random.bytes(16)).toString("hex")}`;
    this.#replies = connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (!error) this.#received(message);
      },
    });
    void this.#watch();
  }

  close(): void {
    this.#isClosed = true;
    this.#replies.unsubscribe();
    this.#giveUpAll("the broker is stopping");
  }

  get maxPayloadBytes(): number {
    // nats.js has no server info while it is disconnected.
    this.#maxPayloadBytes = this.#connection.info?.max_payload ?? this.#maxPayloadBytes;
    return this.#maxPayloadBytes;
  }

  publish(message: OutgoingMessage, settle: (outcome: PublishOutcome) => void): void {
    const unknown = (reason: string) => settle({ kind: "unknown", reason });
    const ticket: Ticket = {
      deadlineMs: this.#env.clock.monotonicMs() + ACK_TIMEOUT_MS,
      answered: (reply) => {
        settle(outcomeOf(reply));
        return true;
      },
      gaveUp: unknown,
    };
    this.#send(message.subject, message.payload, ticket, headersOf(message));
  }

  request(operation: string, body: object | null, timeoutMs: number): Promise<ApiAnswer | null> {
    return new Promise((resolve) => {
      const payload = body === null ? new Uint8Array(0) : Buffer.from(JSON.stringify(body));
      this.#send(`$JS.API.${operation}`, payload, {
        deadlineMs: this.#env.clock.monotonicMs() + timeoutMs,
        answered: (reply) => {
          resolve(isNoResponders(reply) ? null : (jsonOf(reply) as ApiAnswer | null));
          return true;
        },
        gaveUp: () => resolve(null),
      });
    });
  }

  readDirect(stream: string, wanted: DirectRead): Promise<readonly StoredMessage[] | null> {
    const { sequence, messages, bytes } = wanted;
    const body = JSON.stringify({ seq: sequence, batch: messages, max_bytes: bytes });
    return new Promise((resolve) => {
      const found: StoredMessage[] = [];
      this.#send(`$JS.API.DIRECT.GET.${stream}`, Buffer.from(body), {
        deadlineMs: this.#env.clock.monotonicMs() + REQUEST_TIMEOUT_MS,
        answered: (reply) => {
          const code = reply.headers?.code ?? 0;
          if (code === 0) {
            found.push(storedOf(reply));
            return false;
          }
          // 204 ends an answer; 404 means that there are no messages from that sequence on.
          resolve(code === 204 || code === 404 ? found : null);
          return true;
        },
        gaveUp: () => resolve(null),
      });
    });
  }

  #send(subject: string, payload: Uint8Array, ticket: Ticket, headers?: MsgHdrs): void {
    const token = (this.#issued++).toString(36);
    this.#tickets.set(token, ticket);
    this.#sweepLater();
    try {
      if (this.#isClosed || !this.#isConnected) throw new Error("not connected to NATS");
      const reply = `${this.#inbox}.${token}`;
      this.#connection.publish(subject, payload, headers ? { reply, headers } : { reply });
    } catch (error) {
      this.#refuseLater(token, (error as Error).message);
    }
  }

  #refuseLater(token: string, reason: string): void {
    this.#env.timers.afterThisTurn(() => this.#giveUp(token, reason));
  }

  #received(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length + 1);
    const ticket = this.#tickets.get(token);
    if (ticket?.answered(message)) this.#tickets.delete(token);
  }

  #giveUp(token: string, reason: string): void {
    const ticket = this.#tickets.get(token);
    this.#tickets.delete(token);
    ticket?.gaveUp(reason);
  }

  /** One coarse timer for all requests, armed only while there are some. */
  #sweepLater(): void {
    this.#sweep ??= this.#env.timers.after(SWEEP_INTERVAL_MS, () => {
      this.#sweep = null;
      const nowMs = this.#env.clock.monotonicMs();
      for (const [token, ticket] of this.#tickets)
        if (ticket.deadlineMs <= nowMs) this.#giveUp(token, "no answer in time");
      if (this.#tickets.size > 0) this.#sweepLater();
    });
  }

  async #watch(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === "reconnect") this.#isConnected = true;
      if (status.type !== "disconnect") continue;
      this.#isConnected = false;
      this.#giveUpAll("NATS connection lost");
    }
    this.#isConnected = false;
    this.#giveUpAll("NATS connection lost");
  }

  #giveUpAll(reason: string): void {
    for (const token of [...this.#tickets.keys()]) this.#giveUp(token, reason);
  }
}

/** To publish headers nats.js only calls their `encode`. */
function headersOf(message: OutgoingMessage): MsgHdrs {
  let text = `NATS/1.0\r\nNats-Msg-Id: ${message.messageId}\r\n`;
  if (message.expectedLastSequence !== undefined)
    text += `Nats-Expected-Last-Sequence: ${message.expectedLastSequence}\r\n`;
  if (message.expectedLastSubjectSequence !== undefined)
    text += `Nats-Expected-Last-Subject-Sequence: ${message.expectedLastSubjectSequence}\r\n`;
  const bytes = Buffer.from(`${text}\r\n`, "latin1");
  return { encode: () => bytes } as unknown as MsgHdrs;
}

function outcomeOf(reply: Msg): PublishOutcome {
  if (isNoResponders(reply)) return { kind: "unknown", reason: "no Raft leader (503)" };
  const answer = jsonOf(reply) as (ApiAnswer & { stream?: string; seq?: number }) | null;
  if (answer?.error) {
    const { err_code = 0, description = "" } = answer.error;
    return { kind: "refused", errorCode: err_code, description };
  }
  if (typeof answer?.seq !== "number" || typeof answer.stream !== "string")
    return { kind: "unknown", reason: "an invalid answer" };
  return { kind: "stored", stream: answer.stream, sequence: answer.seq };
}

function storedOf(reply: Msg): StoredMessage {
  const sequence = Number(reply.headers?.get("Nats-Sequence") ?? 0);
  const messageId = reply.headers?.get("Nats-Msg-Id") ?? "";
  // The payload is a view of the socket's chunk: a reader that keeps it must copy it.
  return { sequence, messageId, payload: reply.data };
}

function isNoResponders(reply: Msg): boolean {
  return reply.data.length === 0 && reply.headers?.code === 503;
}

function jsonOf(reply: Msg): unknown {
  try {
    return JSON.parse(reply.string());
  } catch {
    return null;
  }
}
