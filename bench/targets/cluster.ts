import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerProcess } from "./process.ts";

const RETRY_MS = 20;

export interface ClusterNodeOptions {
  readonly id: number;
  readonly start: () => ServerProcess;
  /** Kills its nats-server, but not the broker; null for Kafka, where both are one process. */
  readonly killEngine: (() => Promise<void>) | null;
}

/** A broker of a cluster, which can be killed and restarted. */
export class ClusterNode {
  readonly id: number;
  readonly killEngine: (() => Promise<void>) | null;
  readonly #start: () => ServerProcess;
  #server: ServerProcess;

  constructor({ id, start, killEngine }: ClusterNodeOptions) {
    this.id = id;
    this.killEngine = killEngine;
    this.#start = start;
    this.#server = start();
  }

  get server(): ServerProcess {
    return this.#server;
  }

  /** Kills the broker and its nats-server. */
  async kill(): Promise<void> {
    await this.#server.kill();
    // The nats-server ends with its broker, but a few milliseconds later.
    await this.killEngine?.();
  }

  restart(): void {
    this.#server = this.#start();
  }
}

/** Resolves when the nats-server that a file names is dead. Linux only. */
export async function killByPidFile(path: string): Promise<void> {
  const processId = Number(await readFile(path, "utf8").catch(() => "0"));
  if (!(processId > 1)) return;
  const command = await readFile(`/proc/${processId}/cmdline`, "utf8").catch(() => "");
  // Another process may have its process id by now.
  if (!command.includes("nats-server")) return;
  try {
    process.kill(processId, "SIGKILL");
    for (;;) {
      process.kill(processId, 0);
      await sleep(RETRY_MS);
    }
  } catch {
    // The process has ended.
  }
}
