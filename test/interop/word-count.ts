import { setTimeout as sleep } from "node:timers/promises";
import { CreateTopics, encodeBatch, Produce } from "@tarpan/protocol";
import { expect } from "vitest";
import { readAllCommitted, readCommitted } from "../bank/read-committed.ts";
import { RoutedClient } from "../bank/routed-client.ts";
import { TcpWire } from "../bank/wire.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";
import { temporaryDirectory } from "../harness/temp.ts";
import { JavaApplication } from "./java-application.ts";

const PARTITIONS = 2;
const WORDS = 40;
const WORDS_PER_LINE = 5;
const LINES_PER_BATCH = 50;
/** No more words are sent while so many are not counted yet. */
const MAX_WAITING_WORDS = 30_000;
/** Of the wait for a state of the application. Its members and transactions time out before. */
const STATE_LIMIT_MS = 90_000;
const CHECK_PAUSE_MS = 10;
export const WORD_COUNT_LIMIT_MS = 600_000;

type Victim = "the application" | "a broker" | "both" | "the application, which loses its state";
const VICTIMS: readonly Victim[] = [
  ...(["the application", "a broker", "both"] as const),
  ...(["the application, which loses its state", "a broker", "both"] as const),
];

/**
 * WordCount of test/peers/java-applications counts each word once, whoever is killed amid its
 * transactions.
 */
export async function countWords(
  bootstrap: readonly string[],
  restartBroker: (random: SeededRandom) => Promise<void>,
): Promise<void> {
  const application = new JavaApplication();
  const wire = new TcpWire(bootstrap);
  const client = new RoutedClient(wire, WORD_COUNT_LIMIT_MS);
  const random = new SeededRandom(printedSeed("word count"));
  const words = new Words(client, random);
  let state = await temporaryDirectory();
  const start = () => application.start("WordCount", bootstrap.join(), state);
  try {
    await words.createTopics();
    start();
    for (const victim of VICTIMS) {
      await words.untilTransactionIsOpen(application);
      console.log(`kill -9 of ${victim} after ${words.sent} words`);
      if (victim !== "a broker") await application.kill9();
      if (victim === "a broker" || victim === "both") await restartBroker(random);
      if (victim === "the application, which loses its state") state = await temporaryDirectory();
      if (victim !== "a broker") start();
    }
    await words.expectCountedOnce(application);
  } finally {
    wire.close();
    await application.kill9();
  }
}

/** What is sent to the application, and what it has committed. */
class Words {
  readonly #client: RoutedClient;
  readonly #random: SeededRandom;
  readonly #expected = new Map<string, number>();
  readonly #counts = new Map<string, number[]>();
  #counted = 0;
  /** By partition, where the next read of counts begins. */
  readonly #next = Array.from({ length: PARTITIONS }, () => 0);
  sent = 0;

  constructor(client: RoutedClient, random: SeededRandom) {
    this.#client = client;
    this.#random = random;
  }

  async createTopics(): Promise<void> {
    const topics = ["lines", "counts"].map((name) => ({
      ...{ name, numPartitions: PARTITIONS, replicationFactor: -1, assignments: [] },
      configs: [{ name: "retention.ms", value: "-1" }],
    }));
    await this.#client.ask(
      { key: "any", keyType: "group" },
      [CreateTopics, 7],
      { topics, timeoutMs: 20_000, validateOnly: false },
      (answer) => answer.topics.find(({ errorCode }) => errorCode !== 0)?.errorCode ?? 0,
    );
  }

  /** Sends lines until counts were committed since the last call, and others are not yet. */
  async untilTransactionIsOpen(application: JavaApplication): Promise<void> {
    const before = this.#counted;
    await this.#until(application, async () => {
      if (this.sent - this.#counted < MAX_WAITING_WORDS) await this.#sendLines();
      const isOpen = await this.#readCounts();
      return isOpen && this.#counted > before;
    });
  }

  /** Each word has the counts from one to its number, in this order, and none twice. */
  async expectCountedOnce(application: JavaApplication): Promise<void> {
    await this.#until(application, async () => {
      await this.#readCounts();
      return this.#counted >= this.sent;
    });
    // Nothing else is committed later.
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const all = await readAllCommitted(this.#client, "counts", partition, STATE_LIMIT_MS);
      expect(all.at(-1)!.offset).toBeLessThan(this.#next[partition]!);
    }
    const expected = [...this.#expected].map(([word, count]) => {
      return [word, Array.from({ length: count }, (_, index) => index + 1)] as const;
    });
    expect(this.#counts).toEqual(new Map(expected));
  }

  async #until(application: JavaApplication, isReached: () => Promise<boolean>): Promise<void> {
    const untilMs = performance.now() + STATE_LIMIT_MS;
    while (!(await isReached())) {
      expect(application.running, application.output).toBe(true);
      const where = `${this.#counted} of ${this.sent} words are counted\n${application.output}`;
      expect(performance.now(), where).toBeLessThan(untilMs);
      await sleep(CHECK_PAUSE_MS);
    }
  }

  /** Reads the next counts that are committed. Resolves to whether there are others. */
  async #readCounts(): Promise<boolean> {
    let isOpen = false;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const read = await readCommitted(this.#client, "counts", partition, this.#next[partition]!);
      this.#next[partition] = read.next;
      for (const { value } of read.values) this.#note(value);
      isOpen ||= read.lastStableOffset < read.highWatermark;
    }
    return isOpen;
  }

  #note(value: string): void {
    const [word, count] = value.split(" ") as [string, string];
    const counts = this.#counts.get(word) ?? [];
    this.#counts.set(word, counts);
    counts.push(Number(count));
    this.#counted += 1;
  }

  async #sendLines(): Promise<void> {
    const lines = Array.from({ length: LINES_PER_BATCH }, () => {
      const words = Array.from({ length: WORDS_PER_LINE }, () => this.#word());
      return { key: null, value: Buffer.from(words.join(" ")), timestamp: Date.now() };
    });
    const partition = this.#random.below(PARTITIONS);
    const partitionData = [{ index: partition, records: encodeBatch(lines) }];
    await this.#client.ask(
      { topic: "lines", partition },
      [Produce, 11],
      {
        ...{ transactionalId: null, acks: -1, timeoutMs: 10_000 },
        topicData: [{ name: "lines", partitionData }],
      },
      ({ responses }) => responses[0]!.partitionResponses[0]!.errorCode,
    );
    this.sent += LINES_PER_BATCH * WORDS_PER_LINE;
  }

  #word(): string {
    const word = `word-${this.#random.below(WORDS)}`;
    this.#expected.set(word, (this.#expected.get(word) ?? 0) + 1);
    return word;
  }
}
