// A worker of Kafka Connect keeps connectors, their status and their positions in compacted topics.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeBatch } from "@tarpan/protocol";
import { expect } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { freePorts } from "../harness/free-ports.ts";
import { peer } from "../harness/peers.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { produce } from "../harness/records.ts";
import { temporaryDirectory } from "../harness/temp.ts";

const LIMIT_MS = 60_000;
const applications = peer("java-applications");
const lines = (first: number, end: number) =>
  Array.from({ length: end - first }, (_, n) => `line ${first + n}\n`).join("");

for (const storage of ["segment", "memory"]) {
  const title = `Kafka Connect goes on from compacted topics of a ${storage} broker`;
  applications.it(
    title,
    async () => {
      const flags = ["--storage", storage, "--kafka", "log.cleaner.backoff.ms=200"];
      const broker = new BrokerProcess({ flags });
      await broker.start();
      const worker = await ConnectWorker.of(broker);
      try {
        await worker.start();
        await writeFile(worker.input, lines(0, 500));
        await worker.connect("source", "Source", { file: worker.input, topic: "lines" });
        await worker.connect("sink", "Sink", { file: worker.output, topics: "lines" });
        await worker.expectOutput(lines(0, 500));
        const position = lines(0, 500).length;
        await expect.poll(() => worker.position(), { timeout: LIMIT_MS }).toBe(position);
        await crowd(broker);
        await worker.kill9();
        if (storage === "segment") await broker.restart();
        await appendFile(worker.input, lines(500, 700));
        await worker.start();
        // A source that had lost its position would send the first lines again.
        await worker.expectOutput(lines(0, 700));
        expect((await worker.ask("/connectors")).toSorted()).toEqual(["sink", "source"]);
        await expect
          .poll(() => worker.position(), { timeout: LIMIT_MS })
          .toBe(lines(0, 700).length);
      } finally {
        await worker.kill9();
        await broker.kill9();
      }
    },
    240_000,
  );
}

/** Adds positions of other connectors, one over the other, until the topic was compacted. */
async function crowd(broker: BrokerProcess): Promise<void> {
  const connection = await RawConnection.open(broker.port);
  for (let i = 0; i < 60; i++) {
    const value = Buffer.from(JSON.stringify({ position: i, filler: "x".repeat(50_000) }));
    const key = Buffer.from(JSON.stringify(["other", { filename: `${i % 3}` }]));
    const batch = encodeBatch([{ key, value, timestamp: Date.now() }]);
    expect((await produce(connection, "connect-offset", batch)).errorCode).toBe(0);
  }
  connection.close();
  const isCompacted = () => broker.output.includes("connect-offset-0: compacted");
  await expect.poll(isCompacted, { timeout: LIMIT_MS }).toBe(true);
}

class ConnectWorker {
  readonly #directory: string;
  readonly #bootstrap: string;
  readonly #port: number;
  #child: ChildProcess | null = null;
  #log = "";

  private constructor(directory: string, bootstrap: string, port: number) {
    this.#directory = directory;
    this.#bootstrap = bootstrap;
    this.#port = port;
  }

  static async of({ bootstrap }: BrokerProcess): Promise<ConnectWorker> {
    const [port] = await freePorts(1);
    return new ConnectWorker(await temporaryDirectory(), bootstrap, port!);
  }

  get input(): string {
    return join(this.#directory, "in.txt");
  }

  get output(): string {
    return join(this.#directory, "out.txt");
  }

  async start(): Promise<void> {
    const file = join(this.#directory, "worker.properties");
    const settings = Object.entries(settingsOf(this.#bootstrap, this.#port));
    await writeFile(file, settings.map(([name, value]) => `${name}=${value}\n`).join(""));
    const options = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-XX:TieredStopAtLevel=1"];
    const main = "org.apache.kafka.connect.cli.ConnectDistributed";
    const args = [...options, "-Xmx256m", "-cp", applications.classPath, main, file];
    this.#child = spawn(applications.path, args, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#log = (this.#log + text).slice(-4000);
      });
    }
    const names = () => this.ask("/connectors").catch((error: Error) => `${error}\n${this.#log}`);
    await expect.poll(names, { timeout: LIMIT_MS }).toBeInstanceOf(Array);
  }

  async kill9(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  // biome-ignore lint/suspicious/noExplicitAny: the answers of Connect's REST interface
  async ask(path: string, init: RequestInit = {}): Promise<any> {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`http://127.0.0.1:${this.#port}${path}`, { ...init, headers });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}\n${this.#log}`);
    return answer.json();
  }

  async connect(name: string, kind: "Source" | "Sink", config: object): Promise<void> {
    const type = `org.apache.kafka.connect.file.FileStream${kind}Connector`;
    const body = JSON.stringify({ "connector.class": type, "tasks.max": 1, ...config });
    await this.ask(`/connectors/${name}/config`, { method: "PUT", body });
  }

  /** The committed position of the source; null without one. */
  async position(): Promise<number | null> {
    const { offsets } = await this.ask("/connectors/source/offsets");
    return offsets[0]?.offset.position ?? null;
  }

  async expectOutput(text: string): Promise<void> {
    const read = () => readFile(this.output, "utf8").catch(() => "");
    await expect.poll(read, { timeout: LIMIT_MS }).toBe(text);
  }
}

function settingsOf(bootstrap: string, port: number): Record<string, string | number> {
  const converter = "org.apache.kafka.connect.storage.StringConverter";
  const settings: Record<string, string | number> = {
    "bootstrap.servers": bootstrap,
    "group.id": "connect",
    "session.timeout.ms": 6000,
    "heartbeat.interval.ms": 1000,
    "consumer.session.timeout.ms": 6000,
    "offset.flush.interval.ms": 200,
    "offset.storage.partitions": 1,
    "status.storage.partitions": 1,
    "offset.storage.segment.bytes": 1 << 20,
    "key.converter": converter,
    "value.converter": converter,
    "plugin.discovery": "service_load",
    listeners: `http://127.0.0.1:${port}`,
  };
  for (const what of ["config", "offset", "status"]) {
    settings[`${what}.storage.topic`] = `connect-${what}`;
    settings[`${what}.storage.replication.factor`] = 1;
  }
  return settings;
}
