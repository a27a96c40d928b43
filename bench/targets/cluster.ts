import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerProcess } from "./process.ts";

const RETRY_MS = 20;

export interface ClusterNodeOptions {
  readonly id: number;
  readonly start: () => ServerProcess;
  /** Kills what replicates for it, and not the broker; null where that is the same process. */
  readonly killEngine: (() => Promise<void>) | null;
}

/** A broker of a cluster, which can be killed and started again. */
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

  /** The broker and what it runs. */
  async kill(): Promise<void> {
    await this.#server.kill();
    // It ends with its broker, but not within the same millisecond.
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
  // Its number may be somebody else's by now.
  if (!command.includes("nats-server")) return;
  try {
    process.kill(processId, "SIGKILL");
    for (;;) {
      process.kill(processId, 0);
      await sleep(RETRY_MS);
    }
  } catch {
    // It is gone.
  }
}
