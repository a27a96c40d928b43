import type { DelayedProducer, DelayedSend, ProducerRecord } from "@tarpan/client";
import type { Output } from "../terminal/output.ts";
import { counted } from "../terminal/progress.ts";
import { type Sender, storedBefore, unsettled } from "./sender.ts";
import { WaitingSends } from "./waiting-sends.ts";

/** With more messages, only JSON has their ids. */
const IDS_SHOWN = 10;

/** Sends records that are delivered later. */
export class DelayedSender implements Sender {
  readonly #producer: DelayedProducer;
  readonly #delivery: DelayedSend;
  readonly #sent: { readonly id: string; readonly topic: string }[] = [];
  readonly #keepsIds: boolean;
  readonly #waiting = new WaitingSends();
  count = 0;

  constructor(producer: DelayedProducer, delivery: DelayedSend, { isJson }: Output) {
    this.#producer = producer;
    this.#delivery = delivery;
    this.#keepsIds = isJson;
  }

  async send(records: readonly ProducerRecord[], failed: (error: Error) => void): Promise<void> {
    for (const record of records) {
      await this.#waiting.room();
      const stored = (id: string) => this.#stored(id, record.topic);
      const sent = this.#producer.send(record, this.#delivery).then(stored, failed);
      this.#waiting.add(sent, record.value?.length ?? 0);
    }
  }

  #stored(id: string, topic: string): void {
    if (this.#keepsIds || this.count < IDS_SHOWN) this.#sent.push({ id, topic });
    this.count++;
  }

  async close(_complete: boolean): Promise<void> {
    await this.#waiting.allSettled();
    await this.#producer.close();
  }

  print(output: Output): void {
    if (!output.isJson && this.count > IDS_SHOWN) {
      const { topic } = this.#sent[0]!;
      const size = counted(this.count, "delayed message");
      output.text(`sent ${size}; see them with: tarpan delayed list --topic ${topic}\n`);
      return;
    }
    for (const { id, topic } of this.#sent)
      output.add({ id, topic }, `sent delayed message ${id}, for ${topic}\n`);
  }

  whatCounts(): string {
    return storedBefore(this.count);
  }

  unfinished(taken: number): string | null {
    return unsettled(taken - this.count);
  }
}
