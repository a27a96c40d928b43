import type { FileSystem } from "../env/env.ts";
import { readText, writeText } from "../nats/files.ts";
import { ClusterError } from "./cluster-error.ts";

const FILE = "membership";

/**
 * Whether a data directory's broker has been a member of its cluster, and is one no more. One that
 * was removed would make its nats-server a member of the Raft groups again by starting it: it is to
 * stay away by itself.
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

  /** What the operator of a removed broker is told. */
  removed(nodeId: number): ClusterError {
    return new ClusterError(
      "TARPAN_BROKER_REMOVED",
      `broker ${nodeId} was removed from its cluster and can't come back: delete ` +
        `${this.#directory}, and start it under a new node id if it is still wanted`,
    );
  }
}
