// Transactions by Kafka's own client, from the jars of its distribution: bench/java.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../../bench/java/Transactions.java", import.meta.url));
const JVM_FLAGS = ["-Xms512M", "-Xmx512M", "-server"];
JVM_FLAGS.push("-Dorg.slf4j.simpleLogger.defaultLogLevel=error");

export interface JavaTransactionsJob {
  readonly topic: string;
  readonly records: number;
  readonly recordBytes: number;
  readonly measureMs: number;
}

export interface JavaTransactionsResult {
  readonly transactionsPerSecond: number;
  readonly commitP50Ms: number;
  readonly commitP99Ms: number;
}

/** One process for all brokers that are measured, so that all are measured by the same warm JVM. */
export class JavaTransactions {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #ended: Promise<null>;
  #errors = "";

  constructor(kafkaDirectory: string, classes: string) {
    const classPath = `${classes}:${join(kafkaDirectory, "libs", "*")}`;
    this.#child = spawn("java", [...JVM_FLAGS, "-cp", classPath, "Transactions"]);
    this.#lines = createInterface({ input: this.#child.stdout! });
    this.#ended = once(this.#child, "close").then(() => null);
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
    });
  }

  /** Compiles it into `classes`. */
  static async open(kafkaDirectory: string, classes: string): Promise<JavaTransactions> {
    const options = ["-d", classes, "-cp", join(kafkaDirectory, "libs", "*"), source];
    const [code] = await once(spawn("javac", options, { stdio: "inherit" }), "exit");
    if (code !== 0) throw new Error(`javac ended with ${code}`);
    return new JavaTransactions(kafkaDirectory, classes);
  }

  async measure(port: number, job: JavaTransactionsJob): Promise<JavaTransactionsResult> {
    const { topic, records, recordBytes, measureMs } = job;
    const answered = once(this.#lines, "line");
    this.#child.stdin!.write(`${port} ${topic} ${records} ${recordBytes} ${measureMs}\n`);
    const answer = await Promise.race([answered, this.#ended]);
    if (answer === null) throw new Error(`Transactions.java ended:\n${this.#errors}`);
    const figures = (answer[0] as string).split(" ").map(Number);
    const [transactionsPerSecond, commitP50Ms, commitP99Ms] = figures as [number, number, number];
    return { transactionsPerSecond, commitP50Ms, commitP99Ms };
  }

  close(): void {
    this.#child.kill("SIGKILL");
  }
}
