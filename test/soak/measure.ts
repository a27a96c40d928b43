import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { BrokerProcess } from "../harness/broker-process.ts";

const RUNS = "tarpan_cleaner_runs_total";
const FREED = "tarpan_cleaner_freed_bytes_total";
const DELETED = "tarpan_retention_deleted_bytes_total";
const LOOP_DELAY = "nodejs_eventloop_lag_p99_seconds";
const TIMEOUT_MS = 5_000;
const BLOCK_BYTES = 512;

/** What the broker uses and has done, through all its restarts. */
export class Measured {
  readonly #broker: BrokerProcess;
  readonly #hasDisk: boolean;
  /** By name: what earlier processes counted, and what this one has. */
  readonly #counted = new Map<string, { before: number; now: number }>();
  diskBytes = 0;
  mostDiskBytes = 0;
  residentBytes = 0;
  mostResidentBytes = 0;
  loopDelayMs = 0;

  constructor(broker: BrokerProcess, hasDisk: boolean) {
    this.#broker = broker;
    this.#hasDisk = hasDisk;
  }

  get cleanerRuns(): number {
    return this.#total(RUNS);
  }

  get freedBytes(): number {
    return this.#total(FREED);
  }

  get deletedBytes(): number {
    return this.#total(DELETED);
  }

  async measure(): Promise<void> {
    if (this.#hasDisk) this.diskBytes = await bytesBelow(this.#broker.dataDirectory);
    this.mostDiskBytes = Math.max(this.mostDiskBytes, this.diskBytes);
    if (!this.#broker.running) return;
    this.residentBytes = await this.#broker.residentBytes();
    this.mostResidentBytes = Math.max(this.mostResidentBytes, this.residentBytes);
    const url = `http://${this.#broker.bootstrap}/metrics`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await answer.text();
    this.loopDelayMs = sumOf(text, LOOP_DELAY) * 1000;
    for (const name of [RUNS, FREED, DELETED]) {
      const { before, now } = this.#counted.get(name) ?? { before: 0, now: 0 };
      const value = sumOf(text, name);
      this.#counted.set(name, { before: value < now ? before + now : before, now: value });
    }
  }

  #total(name: string): number {
    const { before, now } = this.#counted.get(name) ?? { before: 0, now: 0 };
    return before + now;
  }
}

/** The sum over all labels of one metric on the metrics page. */
function sumOf(page: string, name: string): number {
  let sum = 0;
  for (const line of page.split("\n"))
    if (line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      sum += Number(line.slice(line.lastIndexOf(" ")));
  return sum;
}

/** What the files take on disk; files that are removed meanwhile count nothing. */
async function bytesBelow(directory: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name);
    const stats = await lstat(path).catch(() => null);
    if (stats?.isDirectory()) bytes += await bytesBelow(path);
    else bytes += (stats?.blocks ?? 0) * BLOCK_BYTES;
  }
  return bytes;
}
