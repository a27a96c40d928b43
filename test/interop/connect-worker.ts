import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { Address } from "../harness/client-broker.ts";
import { freePorts } from "../harness/free-ports.ts";
import { temporaryDirectory } from "../harness/temp.ts";
import { JavaApplication, propertiesText } from "./java-application.ts";

export const CONNECT_LIMIT_MS = 60_000;

/** Lines of a file that a connector reads or writes. */
export const lines = (first: number, end: number) =>
  Array.from({ length: end - first }, (_, n) => `line ${first + n}\n`).join("");

type Settings = Readonly<Record<string, string | number>>;

/** A distributed worker of Kafka Connect with its own directory for files. */
export class ConnectWorker {
  readonly #directory: string;
  readonly #port: number;
  readonly #settings: Settings;
  readonly #application = new JavaApplication();

  private constructor(directory: string, port: number, settings: Settings) {
    this.#directory = directory;
    this.#port = port;
    this.#settings = settings;
  }

  static async of(
    { bootstrap }: Pick<Address, "bootstrap">,
    more: Settings = {},
  ): Promise<ConnectWorker> {
    const [port] = (await freePorts(1)) as [number];
    const settings = { ...settingsOf(bootstrap, port), ...more };
    return new ConnectWorker(await temporaryDirectory(), port, settings);
  }

  get input(): string {
    return join(this.#directory, "in.txt");
  }

  get output(): string {
    return join(this.#directory, "out.txt");
  }

  async start(): Promise<void> {
    const file = join(this.#directory, "worker.properties");
    await writeFile(file, propertiesText(this.#settings));
    this.#application.start("org.apache.kafka.connect.cli.ConnectDistributed", file);
    const names = () =>
      this.ask("/connectors").catch((error: Error) => `${error}\n${this.#application.output}`);
    await expect.poll(names, { timeout: CONNECT_LIMIT_MS }).toBeInstanceOf(Array);
  }

  kill9(): Promise<void> {
    return this.#application.kill9();
  }

  // biome-ignore lint/suspicious/noExplicitAny: the answers of Connect's REST interface
  async ask(path: string, init: RequestInit = {}): Promise<any> {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`http://127.0.0.1:${this.#port}${path}`, { ...init, headers });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status} ${text}\n${this.#application.output}`);
    return text === "" ? null : JSON.parse(text);
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

  /** Why the connector's task has failed; empty while it has not. */
  async failure(name: string): Promise<string> {
    const { tasks } = await this.ask(`/connectors/${name}/status`);
    return tasks[0]?.trace ?? "";
  }

  async restartTask(name: string): Promise<void> {
    await this.ask(`/connectors/${name}/tasks/0/restart`, { method: "POST" });
  }

  async expectOutput(text: string): Promise<void> {
    const read = () => readFile(this.output, "utf8").catch(() => "");
    await expect.poll(read, { timeout: CONNECT_LIMIT_MS }).toBe(text);
  }
}

function settingsOf(bootstrap: string, port: number): Settings {
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
