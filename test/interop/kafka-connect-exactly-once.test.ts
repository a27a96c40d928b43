// A source connector of Kafka Connect sends each line once, whoever is killed amid a transaction.
import { appendFile } from "node:fs/promises";
import { expect } from "vitest";
import { readAllCommitted, readCommitted } from "../bank/read-committed.ts";
import { RoutedClient } from "../bank/routed-client.ts";
import { TcpWire } from "../bank/wire.ts";
import { BrokerProcess } from "../harness/broker-process.ts";
import { CONNECT_LIMIT_MS, ConnectWorker, lines } from "./connect-worker.ts";
import { applications } from "./java-application.ts";

const TOPIC = "lines";
const LINES_PER_STEP = 100;
const LIMIT_MS = 420_000;
const EXACTLY_ONCE = { "exactly.once.source.support": "enabled" };

const victims = ["the worker", "the broker", "both", "the worker"] as const;

applications.it(
  "a source connector sends each line exactly once amid kills of the worker and the broker",
  async () => {
    const broker = new BrokerProcess();
    await broker.start();
    const worker = await ConnectWorker.of(broker, EXACTLY_ONCE);
    const wire = new TcpWire([broker.bootstrap]);
    const client = new RoutedClient(wire, LIMIT_MS);
    const source = new Source(worker, client);
    try {
      await worker.start();
      await source.add();
      await source.connect();
      for (const [round, victim] of victims.entries()) {
        await source.untilTransactionIsOpen();
        console.log(`kill -9 of ${victim} after ${source.written} lines`);
        if (victim !== "the broker") await worker.kill9();
        if (victim !== "the worker") await broker.restart();
        if (victim !== "the broker") await worker.start();
        // Connect fences the tasks of the configuration before.
        if (round === 1) await source.connect({ "batch.size": 50 });
      }
      await source.expectSentOnce();
      expect(broker.bugs, broker.output).toEqual([]);
    } finally {
      wire.close();
      await worker.kill9();
      await broker.kill9();
    }
  },
  LIMIT_MS,
);

/** A connector that sends the lines of a file. */
class Source {
  readonly #worker: ConnectWorker;
  readonly #client: RoutedClient;
  written = 0;
  #sent = 0;
  #next = 0;

  constructor(worker: ConnectWorker, client: RoutedClient) {
    this.#worker = worker;
    this.#client = client;
  }

  async connect(more: object = {}): Promise<void> {
    const config = {
      ...{ file: this.#worker.input, topic: TOPIC, "exactly.once.support": "required" },
      ...{ "transaction.boundary": "interval", "transaction.boundary.interval.ms": 500 },
      ...more,
    };
    // A worker refuses while its group rebalances.
    const connected = () =>
      this.#worker.connect("source", "Source", config).then(() => "connected", String);
    await expect.poll(connected, { timeout: CONNECT_LIMIT_MS }).toBe("connected");
  }

  /** Writes the next lines to its file. */
  async add(): Promise<void> {
    const end = this.written + LINES_PER_STEP;
    await appendFile(this.#worker.input, lines(this.written, end));
    this.written = end;
  }

  /** Adds lines until some were committed since the last call, and others are not yet. */
  async untilTransactionIsOpen(): Promise<void> {
    const before = this.#sent;
    const isReached = async () => {
      await this.add();
      const read = await readCommitted(this.#client, TOPIC, 0, this.#next);
      this.#next = read.next;
      this.#sent += read.values.length;
      return this.#sent > before && read.lastStableOffset < read.highWatermark;
    };
    await expect.poll(isReached, { timeout: CONNECT_LIMIT_MS, interval: 20 }).toBe(true);
  }

  /** The file's lines are the topic's committed records, each once and in their order. */
  async expectSentOnce(): Promise<void> {
    const sent = async () => {
      const all = await readAllCommitted(this.#client, TOPIC, 0, CONNECT_LIMIT_MS);
      return all.map(({ value }) => `${value}\n`).join("");
    };
    const all = lines(0, this.written);
    await expect.poll(sent, { timeout: CONNECT_LIMIT_MS, interval: 500 }).toBe(all);
    const position = () => this.#worker.position();
    await expect.poll(position, { timeout: CONNECT_LIMIT_MS }).toBe(all.length);
    expect(await sent()).toBe(all);
  }
}
