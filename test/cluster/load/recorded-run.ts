import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { expectConsistentLog } from "../../harness/group-observer.ts";
import type { Anomaly } from "../../history/anomaly.ts";
import { anomaliesIn } from "../../history/check.ts";
import { History } from "../../history/history.ts";
import { jepsenHistory } from "../../history/jepsen.ts";
import { readEverything, readGroupLog } from "./final-read.ts";
import { runKafkajsMember } from "./kafkajs-member.ts";
import { runKafkajsProducer } from "./kafkajs-producer.ts";
import { Load, makeTopic, type Security } from "./load.ts";
import { observeCommitted } from "./observer.ts";
import { restlessly } from "./restless.ts";
import { runTarpanMember } from "./tarpan-member.ts";
import { runTarpanProducer } from "./tarpan-producer.ts";

/** How many records in each partition show that producers and groups make progress. */
const PROGRESS = 10;
const PROGRESS_LIMIT_MS = 60_000;
const END_LIMIT_MS = 90_000;
const PARTITIONS = 4;
const EXAMPLES = 5;

export interface RunOptions {
  readonly bootstrap: readonly string[];
  /** Name of the topic, which the run creates. */
  readonly topic: string;
  readonly replicas: number;
  /** Whether a third member of each group comes and goes. */
  readonly restless?: boolean;
  /** See LoadOptions. */
  readonly security?: Security;
  readonly inside?: readonly string[];
}

/**
 * Producers and groups of two clients that work while a test causes faults; each group has two
 * members. All their operations are recorded. `finish` checks that both groups read everything, and
 * looks for the anomalies of anomaly.ts.
 */
export class RecordedRun {
  readonly load: Load;
  readonly #groups: readonly string[];
  readonly #producers: Promise<unknown>;
  readonly #consumers: Promise<unknown>;

  private constructor(load: Load, restless: boolean) {
    this.load = load;
    const { topic } = load;
    this.#groups = [`${topic}-kafkajs`, `${topic}-tarpan`];
    const [kafkajsGroup, tarpanGroup] = this.#groups as [string, string];
    this.#producers = Promise.all([
      runTarpanProducer(load, "tarpan-producer"),
      runKafkajsProducer(load, "kafkajs-producer"),
    ]);
    this.#consumers = Promise.all([
      runKafkajsMember(load, kafkajsGroup, "kafkajs-1"),
      runKafkajsMember(load, kafkajsGroup, "kafkajs-2"),
      runTarpanMember(load, tarpanGroup, "tarpan-1"),
      runTarpanMember(load, tarpanGroup, "tarpan-2"),
      observeCommitted(load, this.#groups),
      ...(restless
        ? [
            restlessly(load, (stays) => runKafkajsMember(load, kafkajsGroup, "kafkajs-3", stays)),
            restlessly(load, (stays) => runTarpanMember(load, tarpanGroup, "tarpan-3", stays)),
          ]
        : []),
    ]);
    // `finish` awaits these promises; a rejection before that must not end the process.
    this.#producers.catch(() => {});
    this.#consumers.catch(() => {});
  }

  /** Creates the topic, starts the load, and resolves once every client makes progress. */
  static async begin(options: RunOptions): Promise<RecordedRun> {
    const { replicas, restless = false } = options;
    const load = new Load({ ...options, partitions: PARTITIONS, history: new History() });
    await makeTopic(load, replicas);
    const run = new RecordedRun(load, restless);
    onTestFinished(() => run.stop());
    await run.progress();
    return run;
  }

  /**
   * Resolves when records were written to every partition from now on, and every group has read
   * them. If `kafkajs` is false its group is left out: a consumer of kafkajs whose broker accepts
   * connections but does not answer asks it for ever, and looks for no other leader.
   */
  progress({ kafkajs = true } = {}): Promise<void> {
    const limitMs = PROGRESS_LIMIT_MS;
    const groups = kafkajs ? this.#groups : this.#groups.slice(1);
    const goals = this.load.acknowledged.map((acknowledged) => acknowledged + PROGRESS);
    return this.load.until("every partition is written and read on", limitMs, () =>
      goals.every(
        (goal, partition) =>
          this.load.acknowledged[partition]! >= goal &&
          groups.every((group) => this.load.readBy(group)[partition]! >= goal),
      ),
    );
  }

  /** Stops the load, reads everything, and checks the history. */
  async finish(): Promise<void> {
    const { load } = this;
    try {
      load.producing = false;
      await this.#producers;
      const ends = await readEverything(load);
      for (const group of this.#groups) {
        await load.until(`${group} reads up to ${ends}`, END_LIMIT_MS, () =>
          ends.every((end, partition) => load.readBy(group)[partition]! >= end),
        );
      }
    } finally {
      this.stop();
    }
    await this.#consumers;
    const { operations } = load.history;
    const anomalies = anomaliesIn(operations);
    if (anomalies.length > 0 || load.unexpected.length > 0) {
      throw await this.#wrong(summaryOf(anomalies).join("\n"));
    }
    const log = await readGroupLog(load);
    try {
      for (const group of this.#groups) expectConsistentLog(log, group);
    } catch (error) {
      throw await this.#wrong((error as Error).message, error);
    }
    const records = load.acknowledged.reduce((sum, each) => sum + each, 0);
    console.log(`${load.topic}: ${records} records acknowledged, ${operations.length} operations`);
  }

  /** Tells producers and members to stop. */
  stop(): void {
    this.load.producing = false;
    this.load.consuming = false;
    this.load.changed();
  }

  async #wrong(what: string, cause?: unknown): Promise<Error> {
    const wrong = `${what}\n${this.load.describe()}`;
    return new Error(`${wrong}\n${await this.#save(wrong)}`, { cause });
  }

  /** Saves the history, with what is wrong as comments in its first lines. */
  async #save(wrong: string): Promise<string> {
    const path = join(await mkdtemp(join(tmpdir(), "tarpan-history-")), "history.edn");
    const comments = wrong.replace(/^/gm, "; ");
    await writeFile(path, `${comments}\n${jepsenHistory(this.load.history.operations)}`);
    return `the history is in ${path}`;
  }
}

/** The number of anomalies of each kind, and the first ones. */
function summaryOf(anomalies: readonly Anomaly[]): string[] {
  const byKind = new Map<string, string[]>();
  for (const { kind, message, operations } of anomalies)
    byKind.set(kind, [...(byKind.get(kind) ?? []), `${message} (operations ${operations})`]);
  return [...byKind].flatMap(([kind, messages]) => [
    `${messages.length} × ${kind}:`,
    ...messages.slice(0, EXAMPLES).map((message) => `  ${message}`),
  ]);
}
