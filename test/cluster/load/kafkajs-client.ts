import { Kafka, logLevel } from "kafkajs";
import { type Load, REQUEST_TIMEOUT_MS } from "./load.ts";

/** Goes on trying through any fault. */
export const KAFKAJS_RETRY = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 300 };

export function kafkajs({ bootstrap }: Pick<Load, "bootstrap">, clientId: string): Kafka {
  return new Kafka({
    clientId,
    brokers: [...bootstrap],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    retry: KAFKAJS_RETRY,
  });
}
