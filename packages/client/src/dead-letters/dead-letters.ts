import { Admin } from "../admin/admin.ts";
import {
  anyString,
  type Checks,
  callback,
  check,
  checkOptions,
  flag,
  integer,
  nonEmptyString,
  shape,
} from "../checks/checks.ts";
import { offsetNumber, partitionNumber, topicName } from "../checks/values.ts";
import type { Client } from "../connection/client.ts";
import { requireClient } from "../connection/require-client.ts";
import { ClientError } from "../errors.ts";
import {
  type DeadLetter,
  type DeadLetterFilter,
  identityOf,
  letterOf,
  markedBy,
  matches,
} from "./letter.ts";
import { type RedriveOptions, type RedriveProgress, redrive, redrivenOf } from "./redrive.ts";
import { scan } from "./scan.ts";

/** Counts of letters that are not redriven, except `redriven`. */
export interface DeadLetterStatistics {
  readonly letters: number;
  readonly redriven: number;
  /** By topic of origin; "" where a letter does not say. */
  readonly byTopic: Readonly<Record<string, number>>;
  readonly byReason: Readonly<Record<string, number>>;
  readonly byGroup: Readonly<Record<string, number>>;
}

const FILTER: Checks<DeadLetterFilter> = {
  originTopic: nonEmptyString,
  group: nonEmptyString,
  reason: nonEmptyString,
  message: anyString,
  key: anyString,
  partition: partitionNumber,
  offset: offsetNumber,
  fromMs: offsetNumber,
  untilMs: offsetNumber,
};

const REDRIVE: Checks<RedriveOptions> = {
  to: topicName,
  perSecond: integer(1),
  onProgress: callback,
  signal: shape({ aborted: flag }),
};

/**
 * Inspects and empties a dead-letter topic, written by `GroupConsumer.run` or by Kafka's share
 * groups (KIP-1191). Every method but `purge` reads the whole topic.
 */
export class DeadLetters {
  readonly topic: string;
  readonly #client: Client;

  constructor(client: Client, topic: string) {
    requireClient("new DeadLetters", client);
    check("topic", topic, topicName);
    this.#client = client;
    this.topic = topic;
  }

  /** Up to `limit` letters that match, sorted by partition and offset. */
  async list(filter: DeadLetterFilter = {}, limit = 100): Promise<DeadLetter[]> {
    checkOptions("list", filter, FILTER);
    check("limit", limit, integer(1));
    const found: DeadLetter[] = [];
    const redriven = await redrivenOf(this.#client, this.topic);
    for await (const letter of this.#letters(filter)) {
      found.push({ ...letter, redriven: redriven.has(identityOf(letter)) });
      if (found.length === limit) break;
    }
    return found.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
  }

  /** One letter. Rejects with TARPAN_NO_DEAD_LETTER if there is none at this offset. */
  async show(partition: number, offset: number): Promise<DeadLetter> {
    const [letter] = await this.list({ partition, offset }, 1);
    if (letter !== undefined) return letter;
    const at = `${this.topic}-${partition} offset ${offset}`;
    throw new ClientError("TARPAN_NO_DEAD_LETTER", `there is no dead letter at ${at}`);
  }

  /**
   * Sends the letters that match to their origin, or to a topic of your choice, without the headers
   * of the failure, and each only once: a letter that was redriven, by whatever call, is left out.
   * Call it again if it was stopped. Rejects with TransactionError if a record can't be written;
   * what earlier batches have sent stays sent.
   */
  async redrive(
    filter: DeadLetterFilter = {},
    options: RedriveOptions = {},
  ): Promise<RedriveProgress> {
    checkOptions("redrive", filter, FILTER);
    checkOptions("redrive", options, REDRIVE);
    if (options.to === this.topic)
      throw new ClientError("TARPAN_BAD_OPTION", "redrive: `to` is the dead-letter topic itself");
    return redrive(this.#client, this.topic, filter, options);
  }

  /**
   * Deletes the letters before `offset` in one partition, or all letters. Resolves to the number of
   * offsets that were freed.
   */
  async purge(at?: { readonly partition: number; readonly offset: number }): Promise<number> {
    if (at !== undefined)
      check("at", at, shape({ partition: partitionNumber, offset: offsetNumber }));
    const admin = new Admin(this.#client);
    const topic = await admin.describeTopic(this.topic);
    let freed = 0;
    for (const { partition } of topic.partitions) {
      if (at !== undefined && at.partition !== partition) continue;
      const place = { topic: this.topic, partition };
      const first = await admin.offset(place, "earliest");
      freed += (await admin.deleteRecords(place, at?.offset ?? -1)) - first;
    }
    return freed;
  }

  async statistics(): Promise<DeadLetterStatistics> {
    const redriven = await redrivenOf(this.#client, this.topic);
    const [byTopic, byReason, byGroup] = [new Map(), new Map(), new Map()] as Map<string, number>[];
    let [letters, sent] = [0, 0];
    const count = (counts: Map<string, number>, name: string | null | undefined) =>
      counts.set(name ?? "", (counts.get(name ?? "") ?? 0) + 1);
    for await (const letter of this.#letters({})) {
      if (redriven.has(identityOf(letter))) {
        sent++;
        continue;
      }
      letters++;
      count(byTopic!, letter.origin?.topic);
      count(byReason!, letter.reason);
      count(byGroup!, letter.group);
    }
    const object = (counts: Map<string, number>) => Object.fromEntries(counts);
    const by = {
      byTopic: object(byTopic!),
      byReason: object(byReason!),
      byGroup: object(byGroup!),
    };
    return { letters, redriven: sent, ...by };
  }

  async *#letters(filter: DeadLetterFilter): AsyncGenerator<DeadLetter> {
    for await (const record of scan(this.#client, this.topic)) {
      if (markedBy(record) !== null) continue;
      const letter = letterOf(record);
      if (matches(letter, filter)) yield letter;
    }
  }
}
