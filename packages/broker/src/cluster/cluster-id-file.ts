import type { FileSystem } from "../env/env.ts";
import { readText, writeText } from "../nats/files.ts";

const FILE = "cluster-id";

/**
 * Remembers which cluster a data directory belongs to. A broker that was part of a cluster never
 * founds another one, even if that cluster is lost, and never joins another one by mistake.
 */
export class ClusterIdFile {
  readonly #fs: FileSystem;
  readonly #directory: string;

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs;
    this.#directory = directory;
  }

  /** Null for a broker that has not been part of a cluster yet. */
  async read(): Promise<string | null> {
    return (await readText(this.#fs, `${this.#directory}/${FILE}`))?.trim() || null;
  }

  async write(clusterId: string): Promise<void> {
    await writeText(this.#fs, `${this.#directory}/${FILE}`, `${clusterId}\n`);
    await this.#fs.syncDirectory(this.#directory);
  }
}
