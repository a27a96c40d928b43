import { ACK_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from "../../src/log/jetstream/limits.ts";
import type {
  ApiAnswer,
  DirectRead,
  JetStreamTransport,
  OutgoingMessage,
  PublishOutcome,
  StoredMessage,
} from "../../src/log/jetstream/transport.ts";
import { answerRequest } from "../log/jetstream/model-api.ts";
import { Unanswered } from "../log/jetstream/unanswered.ts";
import type { ModelServers } from "./model-servers.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

const UNKNOWN: PublishOutcome = { kind: "unknown", reason: "cut off" };

/** A broker's connection to the servers, which can be cut. */
export class ServerLink implements JetStreamTransport {
  cut = false;
  /** Whether a request stays unanswered. */
  silences: (operation: string) => boolean = () => false;
  readonly #servers: ModelServers;
  readonly #process: SimulatedProcess;
  readonly #inner: JetStreamTransport;
  readonly #unanswered = new Unanswered();

  constructor(servers: ModelServers, process: SimulatedProcess) {
    this.#servers = servers;
    this.#process = process;
    this.#inner = servers.model.connect();
  }

  get maxPayloadBytes(): number {
    return this.#inner.maxPayloadBytes;
  }

  publish(message: OutgoingMessage, settle: (outcome: PublishOutcome) => void): void {
    if (this.#unanswered.isClosed) {
      this.#process.afterThisTurn(() => settle(UNKNOWN));
      return;
    }
    const once = this.#unanswered.ask(UNKNOWN, settle);
    const unanswered = () => this.#process.after(ACK_TIMEOUT_MS, () => once(UNKNOWN));
    if (this.cut) {
      unanswered();
      return;
    }
    this.#inner.publish(message, (outcome) => {
      this.#process.deliver(() => (this.cut ? unanswered() : once(outcome)));
    });
  }

  close(): void {
    this.#unanswered.close();
  }

  request(operation: string, body: object | null, timeoutMs: number): Promise<ApiAnswer | null> {
    const { model } = this.#servers;
    const isSilent = this.silences(operation);
    return this.#answered(timeoutMs, async () => {
      if (isSilent)
        return new Promise((resolve) => this.#process.after(timeoutMs, () => resolve(null)));
      // The request takes its latency here; its answer takes the same in `#answered`.
      await new Promise<void>((resolve) => model.later(resolve));
      return this.#servers.answer(operation, body, () =>
        answerRequest(model, operation, { ...body }),
      );
    });
  }

  readDirect(stream: string, wanted: DirectRead): Promise<readonly StoredMessage[] | null> {
    return this.#answered(REQUEST_TIMEOUT_MS, () => this.#inner.readDirect(stream, wanted));
  }

  #answered<T>(timeoutMs: number, ask: () => Promise<T | null>): Promise<T | null> {
    if (this.#unanswered.isClosed) return Promise.resolve(null);
    return new Promise((settle) => {
      const resolve = this.#unanswered.ask<T | null>(null, settle);
      const unanswered = () => this.#process.after(timeoutMs, () => resolve(null));
      if (this.cut) {
        unanswered();
        return;
      }
      void ask().then((answer) => {
        this.#servers.model.later(() => {
          this.#process.deliver(() => (this.cut ? unanswered() : resolve(answer)));
        });
      });
    });
  }
}
