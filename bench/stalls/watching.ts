// Runs watch.ts in a process of its own.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { LatencyResult } from "../load/latencies.ts";
import type { Watched } from "./watch.ts";

export type LaneResult = LatencyResult & { readonly lane: string };

export class Watch {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;

  constructor(watched: readonly Watched[]) {
    const script = fileURLToPath(new URL("./watch.js", import.meta.url));
    this.#child = spawn(process.execPath, [script, JSON.stringify(watched)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#child.stdout });
  }

  async phase(name: string): Promise<readonly LaneResult[]> {
    const told = new Promise<string>((resolve) => this.#lines.once("line", resolve));
    this.#child.stdin.write(`${name}\n`);
    return JSON.parse(await told).results;
  }

  close(): void {
    this.#child.kill();
  }
}
