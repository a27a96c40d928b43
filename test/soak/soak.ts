import { Admin, Client } from "@tarpan/client";
import { BrokerProcess } from "../harness/broker-process.ts";
import type { SeededRandom } from "../harness/random.ts";
import { SoakCheck } from "./check-soak.ts";
import { ClientProcess } from "./client-process.ts";
import { place, type SoakEvent } from "./events.ts";
import { Measured } from "./measure.ts";
import { BROKER_CONFIGS, boundBytes, type SoakTopic, TOPICS } from "./topics.ts";

export interface SoakOptions {
  readonly minutes: number;
  readonly engine: "segment" | "memory";
  readonly bytesPerSecond: number;
  readonly seed: number;
  readonly random: SeededRandom;
}

const TICK_MS = 5_000;
const MINUTE_MS = 60_000;
/** A fault or a change each so often; in a short run more often. */
const MISCHIEF_MS = 2.5 * MINUTE_MS;
const LEAST_MISCHIEFS = 5;
/** Of a broker that holds nothing, with room for reads, writes and cleaning. */
const RESIDENT_BYTES = 512 * 1024 * 1024;
const SCAN_LIMIT_MS = 120_000;
const FAILURES_SHOWN = 5;

const mib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** One soak: a broker, its clients, faults, and the checker that hears of everything. */
export class Soak {
  readonly #options: SoakOptions;
  readonly #broker: BrokerProcess;
  readonly #measured: Measured;
  readonly #check = new SoakCheck();
  readonly #client: Client;
  readonly #admin: Admin;
  #clients: ClientProcess[] = [];
  #acknowledged = 0;
  #read = 0;
  #scans = 0;
  readonly #failures = new Map<string, number>();
  readonly #mischiefs = new Map<string, number>();
  readonly #changed = new Set<SoakTopic>();
  #scanDone: (whole: boolean) => void = () => {};

  private constructor(options: SoakOptions, broker: BrokerProcess) {
    this.#options = options;
    this.#broker = broker;
    this.#measured = new Measured(broker, options.engine === "segment");
    this.#client = new Client({ bootstrap: broker.bootstrap, clientId: "soak" });
    this.#admin = new Admin(this.#client);
  }

  /** Prints the first things found wrong; resolves to how many there were. */
  static async run(options: SoakOptions): Promise<number> {
    const kafka = Object.entries(BROKER_CONFIGS).flatMap(([k, v]) => ["--kafka", `${k}=${v}`]);
    const flags = ["--storage", options.engine, ...kafka];
    const broker = new BrokerProcess({ flags });
    await broker.start();
    const soak = new Soak(options, broker);
    try {
      await soak.#begin();
      await soak.#go();
      await soak.#end();
      return soak.#verdict();
    } catch (error) {
      console.log(`The broker wrote:\n${broker.output.slice(-3000)}`);
      throw error;
    } finally {
      for (const each of soak.#clients) each.kill();
      await soak.#client.close();
      await broker.kill9();
    }
  }

  async #begin(): Promise<void> {
    for (const { name, partitions, configs, keys } of TOPICS) {
      await this.#admin.createTopic({ name, partitions, configs });
      for (let index = 0; index < partitions; index++)
        this.#check.add(place(name, index), keys > 0);
    }
    const { seed, bytesPerSecond } = this.#options;
    const { bootstrap } = this.#broker;
    const take = (event: SoakEvent) => this.#take(event);
    const scanned = (event: SoakEvent) => this.#takeScan(event);
    this.#clients = [
      new ClientProcess("writer.ts", [bootstrap, String(seed), String(bytesPerSecond)], take),
      new ClientProcess("reader.ts", [bootstrap, "follow"], take),
      new ClientProcess("reader.ts", [bootstrap, "scan"], scanned),
    ];
  }

  async #go(): Promise<void> {
    const endMs = performance.now() + this.#options.minutes * MINUTE_MS;
    const mischiefMs = Math.min(MISCHIEF_MS, (endMs - performance.now()) / LEAST_MISCHIEFS);
    let nextMinute = performance.now() + MINUTE_MS;
    let nextMischief = performance.now() + mischiefMs;
    for (let turn = 0; performance.now() < endMs; turn++) {
      await pause(TICK_MS);
      await this.#look();
      const places = this.#places();
      await this.#scan(...places[turn % places.length]!, false);
      if (performance.now() >= nextMischief) {
        nextMischief += mischiefMs;
        await this.#mischief();
      }
      if (performance.now() < nextMinute) continue;
      nextMinute += MINUTE_MS;
      await this.#progress();
    }
  }

  #places(): [string, number][] {
    return TOPICS.flatMap(({ name, partitions }) =>
      Array.from({ length: partitions }, (_, index): [string, number] => [name, index]),
    );
  }

  async #look(): Promise<void> {
    for (const { name } of TOPICS) await this.#askEnds(name);
    await this.#measured.measure();
    const bound = boundBytes(this.#options.bytesPerSecond);
    const { diskBytes, residentBytes } = this.#measured;
    if (diskBytes > bound)
      this.#check.violated(`${mib(diskBytes)} on disk, above the bound of ${mib(bound)}`);
    const most = RESIDENT_BYTES + (this.#options.engine === "memory" ? bound : 0);
    if (residentBytes > most)
      this.#check.violated(`${mib(residentBytes)} resident, above the bound of ${mib(most)}`);
    for (const each of this.#clients)
      if (!each.running) throw new Error("A client has ended before its time");
  }

  async #askEnds(name: string): Promise<void> {
    const partitions = (await this.#admin.describeTopic(name)).partitions.length;
    for (let partition = 0; partition < partitions; partition++) {
      const check = this.#check.partition(place(name, partition));
      const { acknowledgedOffset } = check;
      const start = await this.#admin.offset({ topic: name, partition }, "earliest");
      const end = await this.#admin.offset({ topic: name, partition }, "latest");
      check.told(start, end, acknowledgedOffset);
    }
  }

  async #scan(topic: string, partition: number, settled: boolean): Promise<void> {
    const check = this.#check.partition(place(topic, partition));
    check.beginScan();
    const done = new Promise<boolean>((resolve) => {
      this.#scanDone = resolve;
    });
    this.#clients[2]!.send(`${topic} ${partition}`);
    const timer = setTimeout(() => this.#scanDone(false), SCAN_LIMIT_MS);
    const whole = await done;
    clearTimeout(timer);
    if (!whole && settled) this.#check.violated(`${topic}-${partition}: the last scan failed`);
    if (!whole) return check.dropScan();
    this.#scans++;
    await this.#askEnds(topic);
    check.endScan(settled);
  }

  async #mischief(): Promise<void> {
    const { engine, random } = this.#options;
    const changes = ["change", "delete records"] as const;
    const all = ["kill -9", "kill -9", "SIGTERM", ...changes] as const;
    const kind = engine === "memory" ? random.pick(changes) : random.pick(all);
    this.#mischiefs.set(kind, (this.#mischiefs.get(kind) ?? 0) + 1);
    if (kind === "kill -9") await this.#broker.restart();
    else if (kind === "SIGTERM") await this.#stopAndStart();
    else if (kind === "change") await this.#change();
    else await this.#deleteRecords();
  }

  async #stopAndStart(): Promise<void> {
    const code = await this.#broker.stop();
    if (code !== 0) this.#check.violated(`after SIGTERM the broker ended with ${code}`);
    await this.#broker.start();
  }

  /** Sets another config of a topic, or takes it back. */
  async #change(): Promise<void> {
    const topic = this.#options.random.pick(TOPICS.filter(({ change }) => change !== undefined));
    const back = this.#changed.delete(topic);
    if (!back) this.#changed.add(topic);
    const names = Object.keys(topic.change!);
    const values = names.map((name) => [name, (back ? topic.configs : topic.change!)[name]!]);
    const resource = { type: "topic", name: topic.name } as const;
    await this.#admin.alterConfigs(resource, Object.fromEntries(values));
  }

  /** Deletes half of a log that has no keys. */
  async #deleteRecords(): Promise<void> {
    const topic = this.#options.random.pick(TOPICS.filter(({ keys }) => keys === 0)).name;
    const at = { topic, partition: 0 };
    const start = await this.#admin.offset(at, "earliest");
    const end = await this.#admin.offset(at, "latest");
    const middle = Math.floor((start + end) / 2);
    const now = await this.#admin.deleteRecords(at, middle);
    const check = this.#check.partition(place(topic, 0));
    if (now < middle) this.#check.violated(`${topic}: deleted below ${middle}, answered ${now}`);
    check.told(now, end, -1);
  }

  async #end(): Promise<void> {
    const [writer, follower, scanner] = this.#clients;
    await writer!.stop();
    await pause(2 * TICK_MS);
    await follower!.stop();
    for (const { name } of TOPICS) await this.#askEnds(name);
    for (const [topic, partition] of this.#places()) await this.#scan(topic, partition, true);
    await scanner!.stop();
    await this.#measured.measure();
    if (this.#broker.bugs.length > 0) this.#check.violated("the broker logged a bug");
    await this.#progress();
    this.#requireWork();
  }

  /** Without work of each kind, finding nothing wrong would say nothing. */
  #requireWork(): void {
    const { cleanerRuns, freedBytes, deletedBytes } = this.#measured;
    if (this.#acknowledged === 0) this.#check.violated("nothing was acknowledged");
    if (cleanerRuns === 0 || freedBytes === 0) this.#check.violated("nothing was compacted");
    if (deletedBytes === 0) this.#check.violated("retention deleted nothing");
  }

  async #progress(): Promise<void> {
    const { cleanerRuns, freedBytes, deletedBytes, diskBytes, residentBytes, loopDelayMs } =
      this.#measured;
    const ends: string[] = [];
    for (const [topic, partition] of this.#places()) {
      const start = await this.#admin.offset({ topic, partition }, "earliest");
      const end = await this.#admin.offset({ topic, partition }, "latest");
      ends.push(`${place(topic, partition)} ${start}..${end}`);
    }
    console.log(
      `${new Date().toISOString().slice(11, 19)} ${this.#acknowledged} acknowledged, ` +
        `${this.#read} read, ${this.#scans} scans, ${this.#check.liveKeys} keys alive, ` +
        `disk ${mib(diskBytes)}, RSS ${mib(residentBytes)}, loop p99 ${loopDelayMs.toFixed(0)} ms, ` +
        `cleaner ${cleanerRuns} runs freed ${mib(freedBytes)}, retention ${mib(deletedBytes)}, ` +
        `${this.#check.violationCount} violations | ${ends.join(", ")}`,
    );
  }

  #take(event: SoakEvent): void {
    if (event.event === "acknowledged") {
      this.#acknowledged += event.records.length;
      this.#check.partition(event.at).acknowledged(event.records);
    } else if (event.event === "read") {
      this.#read += event.records.length;
      this.#check.partition(event.at).followed(event.records);
    } else this.#takeOther(event);
  }

  #takeScan(event: SoakEvent): void {
    if (event.event === "read") {
      this.#read += event.records.length;
      this.#check.partition(event.at).scanned(event.records);
    } else if (event.event === "scanned") this.#scanDone(true);
    else {
      this.#scanDone(false);
      this.#takeOther(event);
    }
  }

  #takeOther(event: SoakEvent): void {
    if (event.event === "wrong") this.#check.violated(`${event.at}: ${event.error}`);
    if (event.event !== "failed") return;
    this.#failures.set(event.error, (this.#failures.get(event.error) ?? 0) + 1);
  }

  #verdict(): number {
    const { mostDiskBytes, mostResidentBytes } = this.#measured;
    const bound = boundBytes(this.#options.bytesPerSecond);
    const done = [...this.#mischiefs].map(([kind, count]) => `${count} × ${kind}`);
    console.log(`Faults and changes: ${done.join(", ") || "none"}`);
    console.log(
      `At most ${mib(mostDiskBytes)} on disk (bound ${mib(bound)}), ${mib(mostResidentBytes)} resident`,
    );
    const failures = [...this.#failures].slice(0, FAILURES_SHOWN);
    for (const [error, count] of failures) console.log(`${count} × a client was told: ${error}`);
    for (const each of this.#check.violations) console.log(`WRONG ${each}`);
    return this.#check.violationCount;
  }
}
