import { Kafka, type LogEntry, logLevel } from "kafkajs";
import { type Load, REQUEST_TIMEOUT_MS } from "./load.ts";

/** Retries for longer than any fault lasts. */
export const KAFKAJS_RETRY = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 300 };

type Where = Pick<Load, "bootstrap"> & Partial<Pick<Load, "security">>;

export function kafkajs({ bootstrap, security }: Where, clientId: string): Kafka {
  return new Kafka({
    clientId,
    ...(security?.tls !== undefined && { ssl: { ca: security.tls.ca } as object }),
    ...(security?.sasl !== undefined && { sasl: saslOf(security.sasl) }),
    brokers: [...bootstrap],
    logLevel: logLevel.DEBUG,
    logCreator: () => endSpinning,
    connectionTimeout: 1_000,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    retry: KAFKAJS_RETRY,
  });
}

function saslOf({ mechanism, username, password }: NonNullable<Load["security"]["sasl"]>) {
  return { mechanism: mechanism.toLowerCase() as "plain", username, password };
}

/**
 * If a consumer is stopped while kafkajs replaces its fetchers, because brokers came or went, these
 * spin in a loop that never yields, and the process hangs. The loop only logs, so an error from the
 * logger ends it.
 */
function endSpinning({ level, log }: LogEntry): void {
  const isSpinning = level === logLevel.DEBUG && log.message === "consumer not running, exiting";
  if (isSpinning) throw new Error("the consumer was stopped");
}
