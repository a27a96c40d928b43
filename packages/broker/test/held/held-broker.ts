import { crc32c } from "@tarpan/codecs";
import { decodeBatches, type ErrorCode, encodeBatch, Metadata } from "@tarpan/protocol";
import type { Partition } from "../../src/partition/partition.ts";
import { WholeBroker, type WholeBrokerOptions } from "../handlers/whole-broker.ts";

const text = new TextEncoder();

export type Headers = Readonly<Record<string, string>>;

/** A record as a consumer of the target reads it. */
export interface Read {
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
  readonly headers: Headers;
}

/** Starts a broker, and creates a topic whose messages are held as a client does that names it. */
export async function startWith(topic: string, options: WholeBrokerOptions) {
  const whole = await WholeBroker.startWith(options);
  await whole.call(Metadata, 12, { topics: [{ name: topic }], allowAutoTopicCreation: true });
  return whole;
}

/** A whole broker on a manual clock, with a topic whose messages are held. */
export class HeldBroker {
  readonly whole: WholeBroker;
  readonly #topic: string;

  constructor(whole: WholeBroker, topic: string) {
    this.whole = whole;
    this.#topic = topic;
  }

  get nowMs(): number {
    return this.whole.time.wallMs();
  }

  /** Produces one record to partition 0. Returns the response of the partition. */
  send(id: string | null, value: string | null, headers: Headers = {}) {
    return this.sendBytes(id === null ? null : text.encode(id), value, headers);
  }

  async sendBytes(key: Uint8Array | null, value: string | null, headers: Headers = {}) {
    const record = {
      ...{ key, timestamp: this.nowMs - 5 },
      value: value === null ? null : text.encode(value),
      headers: Object.entries(headers).map(([name, one]) => {
        return { key: name, value: text.encode(one) };
      }),
    };
    return this.whole.produce(this.#topic, encodeBatch([record], { crc32c }));
  }

  /** Lets time pass in small steps, so that all that becomes due is done on the way. */
  async pass(ms: number, stepMs = Math.max(1, Math.ceil(ms / 10))): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.whole.time.advance(Math.min(stepMs, left));
      await this.settle();
    }
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  async read(topic: string, index = 0): Promise<Read[]> {
    const partition = this.whole.broker.partitions.find(topic, index);
    if (typeof partition === "number") throw new Error(`error ${partition as ErrorCode}`);
    const { log } = partition as Partition;
    const read: Read[] = [];
    for (const batch of decodeBatches(await log.read(log.startOffset, 1 << 20))) {
      for (const { key, value, timestamp, headers } of batch.records()) {
        const all = headers.map((header) => [header.key, textOf(header.value) ?? ""]);
        const own: Headers = Object.fromEntries(all);
        read.push({ key: textOf(key), value: textOf(value), timestamp, headers: own });
      }
    }
    return read;
  }

  /** Of all partitions; of none if the topic does not exist. */
  async readAll(topic: string): Promise<Read[]> {
    const partitions = this.whole.metadata.image.topics.get(topic)?.partitions ?? [];
    const read = await Promise.all(partitions.map((_, index) => this.read(topic, index)));
    return read.flat();
  }
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString();
}
