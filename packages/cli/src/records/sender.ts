import type { OrderedProducer, Producer, ProducerRecord, RecordMetadata } from "@tarpan/client";
import type { Output } from "../terminal/output.ts";
import { counted } from "../terminal/progress.ts";
import { Destinations } from "./destinations.ts";
import { WaitingSends } from "./waiting-sends.ts";

type Failed = (error: Error) => void;

/** Sends the records of `tarpan produce`. */
export interface Sender {
  /** Calls `failed` for each record that is not stored. Resolves when it can take more. */
  send(records: readonly ProducerRecord[], failed: Failed): Promise<void>;
  /** Waits for all records. `complete`: they are all that should be sent. */
  close(complete: boolean): Promise<void>;
  /** How many records are stored. */
  readonly count: number;
  /** Prints where they are. */
  print(output: Output): void;
  /** What has become of the records after a failure. */
  whatCounts(): string;
  /** What is not known to be stored of `taken` records after an interrupt; null: all are. */
  unfinished(taken: number): string | null;
}

/** Tells which offsets the records got. */
abstract class StoringSender implements Sender {
  protected readonly destinations = new Destinations();
  readonly #producer: Pick<Producer, "close">;

  constructor(producer: Pick<Producer, "close">) {
    this.#producer = producer;
  }

  abstract send(records: readonly ProducerRecord[], failed: Failed): Promise<void>;

  close(_complete: boolean): Promise<void> {
    return this.#producer.close();
  }

  get count(): number {
    return this.destinations.count;
  }

  print(output: Output): void {
    this.destinations.print(output);
  }

  whatCounts(): string {
    return storedBefore(this.count);
  }

  unfinished(taken: number): string | null {
    return unsettled(taken - this.count);
  }
}

export class DirectSender extends StoringSender {
  readonly #producer: Pick<Producer, "sendEach" | "ready" | "close">;

  constructor(producer: Pick<Producer, "sendEach" | "ready" | "close">) {
    super(producer);
    this.#producer = producer;
  }

  override async send(records: readonly ProducerRecord[], failed: Failed): Promise<void> {
    this.#producer.sendEach(records, (_index, outcome) => {
      if (outcome instanceof Error) failed(outcome);
      else this.destinations.add(outcome);
    });
    await this.#producer.ready();
  }
}

/** Sends all records with the same order key. */
export class OrderedSender extends StoringSender {
  readonly #producer: OrderedProducer;
  readonly #orderKey: string;
  readonly #waiting = new WaitingSends();

  constructor(producer: OrderedProducer, orderKey: string) {
    super(producer);
    this.#producer = producer;
    this.#orderKey = orderKey;
  }

  override async send(records: readonly ProducerRecord[], failed: Failed): Promise<void> {
    const stored = (at: RecordMetadata) => this.destinations.add(at);
    // The order key chooses the partition.
    for (const { partition: _, ...record } of records) {
      await this.#waiting.room();
      const sent = this.#producer.send(this.#orderKey, record).then(stored, failed);
      this.#waiting.add(sent, record.value?.length ?? 0);
    }
  }

  override async close(complete: boolean): Promise<void> {
    await this.#waiting.allSettled();
    await super.close(complete);
  }
}

export function storedBefore(count: number): string {
  return count > 0 ? ` (${counted(count, "record")} stored before)` : "";
}

export function unsettled(count: number): string | null {
  return count > 0 ? `: ${counted(count, "record")} may be stored, or not` : null;
}
