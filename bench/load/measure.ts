import { setTimeout as sleep } from "node:timers/promises";

export interface Progress {
  readonly requests: number;
  readonly sizeBytes: number;
  readonly records: number;
}

/** The output of a load, as one line of JSON. */
export interface LoadResult {
  readonly bytesPerSecond: number;
  readonly recordsPerSecond: number;
  readonly requestsPerSecond: number;
  /** Everything since the start, with the warm-up. */
  readonly totalBytes: number;
  /** Share of one processor that the load itself used: near 1 the load is the bottleneck. */
  readonly ownLoad: number;
}

/** Lets a running load warm up, then takes the difference over the measured time. */
export async function measure(
  { warmUpMs, measureMs }: { readonly warmUpMs: number; readonly measureMs: number },
  progress: () => Progress,
): Promise<LoadResult> {
  await sleep(warmUpMs);
  const before = progress();
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  await sleep(measureMs);
  const seconds = (performance.now() - startMs) / 1000;
  const after = progress();
  const cpu = process.cpuUsage(cpuBefore);
  return {
    bytesPerSecond: (after.sizeBytes - before.sizeBytes) / seconds,
    recordsPerSecond: (after.records - before.records) / seconds,
    requestsPerSecond: (after.requests - before.requests) / seconds,
    totalBytes: after.sizeBytes,
    ownLoad: (cpu.user + cpu.system) / 1e6 / seconds,
  };
}
