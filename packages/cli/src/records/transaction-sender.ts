import { ClientError, type ProducerRecord, type TransactionalProducer } from "@tarpan/client";
import type { Output } from "../terminal/output.ts";
import { DirectSender } from "./sender.ts";

/** Sends all records in one transaction, which is committed only if it is complete. */
export class TransactionSender extends DirectSender {
  readonly #producer: TransactionalProducer;
  #begun: Promise<void> | null = null;
  #outcome: "not committed" | "unknown" | "committed" = "not committed";

  constructor(producer: TransactionalProducer) {
    super(producer);
    this.#producer = producer;
  }

  override async send(records: readonly ProducerRecord[], failed: (error: Error) => void) {
    this.#begun ??= this.#producer.begin();
    await this.#begun;
    await super.send(records, failed);
  }

  override async close(complete: boolean): Promise<void> {
    try {
      if (complete && this.#begun !== null) await this.#commit();
    } finally {
      // Aborts what is open.
      await super.close(complete);
    }
  }

  async #commit(): Promise<void> {
    this.#outcome = "unknown";
    try {
      await this.#producer.commit();
      this.#outcome = "committed";
    } catch (error) {
      const isUnknown = error instanceof ClientError && error.code === "TARPAN_TIMEOUT";
      if (!isUnknown) this.#outcome = "not committed";
      throw error;
    }
  }

  override print(output: Output): void {
    if (this.#outcome === "committed") super.print(output);
  }

  override whatCounts(): string {
    return this.#outcome === "unknown"
      ? "; the transaction may be committed, or not"
      : "; the transaction is not committed: none of its records counts";
  }

  override unfinished(taken: number): string | null {
    return taken === 0 || this.#outcome === "committed" ? null : this.whatCounts();
  }
}
