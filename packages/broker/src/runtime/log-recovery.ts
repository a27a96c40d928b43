import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import type { RecoveryView } from "./local-storage.ts";

/** How often a long recovery logs its progress. */
const PROGRESS_INTERVAL_MS = 5_000;

/**
 * Runs `opening`, which opens `total` logs after an unclean stop. Logs its progress, and the
 * recovery at the end.
 */
export async function logRecovery(
  recovered: RecoveryView,
  total: number,
  { env, logger }: { readonly env: Pick<Env, "clock" | "timers">; readonly logger: Logger },
  opening: () => Promise<void>,
): Promise<void> {
  const startedMs = env.clock.monotonicMs();
  const progress = () => {
    logger.info(`recovering after an unclean stop: ${recovered.logs} of ${total} logs`);
    timer = env.timers.after(PROGRESS_INTERVAL_MS, progress);
  };
  let timer = env.timers.after(PROGRESS_INTERVAL_MS, progress);
  try {
    await opening();
  } finally {
    timer.cancel();
  }
  const tookMs = Math.round(env.clock.monotonicMs() - startedMs);
  const { logs, scannedLogs, scannedBytes, cutBytes } = recovered;
  logger.warn(
    `recovered ${logs} logs after an unclean stop: checked ${scannedBytes} bytes in ` +
      `${scannedLogs} of them, cut off ${cutBytes} bytes of unfinished writes, took ${tookMs} ms`,
    { logs, scannedLogs, scannedBytes, cutBytes, tookMs },
  );
}
