import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Row } from "./report.ts";
import type { ServerProcess } from "./targets/process.ts";
import type { Configs, Flush, Target } from "./targets/target.ts";

/** The arguments of every section: what to measure, where, and for how long. */
export interface Bench {
  readonly targets: readonly Target[];
  readonly quick: boolean;
  /** Where Kafka's jars are, in `libs`; null if Kafka is not measured. */
  readonly kafkaDirectory: string | null;
  /** A new directory, on the disk that is measured. */
  newDirectory(): Promise<string>;
}

export interface Section {
  readonly name: string;
  /** Why it can't be measured on this machine; null if it can. */
  skipped?(bench: Bench): string | null;
  measure(bench: Bench): Promise<readonly Row[]>;
}

export function directoriesIn(parent: string): Bench["newDirectory"] {
  let count = 0;
  return async () => {
    const directory = join(parent, String(count++));
    await mkdir(directory, { recursive: true });
    return directory;
  };
}

/**
 * Runs `use` with a broker of each target, all running at the same time on new directories, so that
 * they can be measured in turn.
 */
export async function withBrokers<T>(
  bench: Bench,
  flush: Flush,
  use: (
    brokers: readonly { target: Target; server: ServerProcess; directory: string }[],
  ) => Promise<T>,
  configs: Configs = {},
): Promise<T> {
  const brokers: { target: Target; server: ServerProcess; directory: string }[] = [];
  try {
    for (const target of bench.targets) {
      const directory = await bench.newDirectory();
      await target.prepare?.(directory);
      brokers.push({ target, directory, server: await target.start(directory, flush, configs) });
    }
    return await use(brokers);
  } finally {
    for (const { server } of brokers) await server.stop();
    for (const { directory } of brokers) await rm(directory, { recursive: true, force: true });
  }
}
