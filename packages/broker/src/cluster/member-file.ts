import type { FileSystem } from "../env/env.ts";
import { readText, writeText } from "../nats/files.ts";
import { ClusterError } from "./cluster-error.ts";

const FILE = "membership";

/**
 * Remembers in the data directory whether the broker was registered in its cluster, and whether it
 * was removed. A removed broker must refuse to start: its nats-server would join the Raft groups
 * again.
 */
export class MemberFile {
  readonly #fs: FileSystem;
  readonly #directory: string;

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs;
    this.#directory = directory;
  }

  /** Null for a broker that has never been registered. */
  async read(): Promise<"registered" | "removed" | null> {
    const text = (await readText(this.#fs, `${this.#directory}/${FILE}`))?.trim();
    return text === "registered" || text === "removed" ? text : null;
  }

  async write(state: "registered" | "removed"): Promise<void> {
    if ((await this.read()) === state) return;
    await writeText(this.#fs, `${this.#directory}/${FILE}`, `${state}\n`);
    await this.#fs.syncDirectory(this.#directory);
  }

  /** Stops a removed broker that is started again. */
  removedError(nodeId: number): ClusterError {
    return new ClusterError(
      "TARPAN_BROKER_REMOVED",
      `broker ${nodeId} was removed from its cluster and can't join it again: delete ` +
        `${this.#directory}; to use this machine again, start a broker with a new node id`,
    );
  }
}
