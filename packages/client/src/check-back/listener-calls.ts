// Calls the listeners of a CheckBackProducer.
//
// 1. Calls for one transaction at the same time share one: a check that comes while the local
//    transaction still runs here is answered by it.
// 2. A listener that throws, hangs or answers something else means `unknown`, and is reported. The
//    late answer of one that hung is still used.
import { ClientError, TimeoutError } from "../errors.ts";
import type { LocalOutcome, LocalTransaction } from "./transaction.ts";

export type Listener = (
  transaction: LocalTransaction,
) => LocalOutcome | undefined | Promise<LocalOutcome | undefined>;

export interface Answer {
  readonly outcome: LocalOutcome;
  /** Whether another call has asked the listener, and resolves the transaction. */
  readonly shared: boolean;
}

export class ListenerCalls {
  readonly #timeoutMs: number;
  readonly #report: (what: string, error: Error) => void;
  readonly #running = new Map<string, Promise<LocalOutcome>>();

  constructor(timeoutMs: number, report: (what: string, error: Error) => void) {
    this.#timeoutMs = timeoutMs;
    this.#report = report;
  }

  /** Never rejects. `late` gets an answer that comes after this has resolved to `unknown`. */
  async ask(
    name: string,
    listener: Listener,
    transaction: LocalTransaction,
    late: (outcome: LocalOutcome) => void,
  ): Promise<Answer> {
    const { id } = transaction;
    const running = this.#running.get(id);
    if (running !== undefined) return { outcome: await running, shared: true };
    const call = this.#call(`${name} of transaction ${id}`, listener, transaction, late);
    this.#running.set(id, call);
    const outcome = await call;
    this.#running.delete(id);
    return { outcome, shared: false };
  }

  #call(
    what: string,
    listener: Listener,
    transaction: LocalTransaction,
    late: (outcome: LocalOutcome) => void,
  ): Promise<LocalOutcome> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | null = setTimeout(() => {
        timer = null;
        const waited = `it has not answered within ${this.#timeoutMs} ms (listenerTimeoutMs)`;
        this.#report(what, new TimeoutError(`${what}: ${waited}; its answer is still used`));
        resolve("unknown");
      }, this.#timeoutMs);
      void this.#outcome(what, listener, transaction).then((outcome) => {
        if (timer === null) return late(outcome);
        clearTimeout(timer);
        resolve(outcome);
      });
    });
  }

  async #outcome(
    what: string,
    listener: Listener,
    transaction: LocalTransaction,
  ): Promise<LocalOutcome> {
    try {
      const outcome = (await listener(transaction)) ?? "unknown";
      if (["commit", "rollback", "unknown"].includes(outcome)) return outcome;
      const wrong = `${what} answered ${String(outcome)}, not commit, rollback or unknown`;
      throw new ClientError("TARPAN_BAD_ARGUMENT", wrong);
    } catch (error) {
      this.#report(what, error instanceof Error ? error : new Error(String(error)));
      return "unknown";
    }
  }
}
