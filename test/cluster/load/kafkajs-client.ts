import { Kafka, type LogEntry, logLevel } from "kafkajs";
import { type Load, REQUEST_TIMEOUT_MS } from "./load.ts";

/** Goes on trying through any fault. */
export const KAFKAJS_RETRY = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 300 };

export function kafkajs({ bootstrap }: Pick<Load, "bootstrap">, clientId: string): Kafka {
  return new Kafka({
    clientId,
    brokers: [...bootstrap],
    logLevel: logLevel.DEBUG,
    logCreator: () => endSpinning,
    connectionTimeout: 1_000,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    retry: KAFKAJS_RETRY,
  });
}

/**
 * A consumer that is stopped while kafkajs makes its fetchers anew, as brokers came or went, leaves
 * these in a loop that never waits, and the whole process with them. All they do is to log: this
 * ends them.
 */
function endSpinning({ level, log }: LogEntry): void {
  const isSpinning = level === logLevel.DEBUG && log.message === "consumer not running, exiting";
  if (isSpinning) throw new Error("the consumer was stopped");
}
