import { ConfigError } from "../config/config-error.ts";
import { advertisedListener } from "../config/kafka/listener.ts";
import { brokerConfigRefusal, ignoredConfigWarnings } from "../config/kafka/start-configs.ts";
import type { BrokerSettings } from "../config/settings.ts";
import type { Logger } from "../logging/logger.ts";

/**
 * Throws for settings that would silently weaken the broker, also if no reader of settings has
 * checked them before. Warns of configs without effect.
 */
export function refuseBadSettings(
  { flush, kafkaConfigs: configs }: BrokerSettings,
  logger: Logger,
): void {
  const modes: readonly unknown[] = ["always", "interval", "never"];
  if (!modes.includes(flush?.mode)) {
    throw new ConfigError(`flush: its mode must be ${modes.join(" | ")}`);
  }
  for (const [name, value] of Object.entries(configs)) {
    const problem = brokerConfigRefusal(name, value);
    if (problem !== null) throw new ConfigError(problem);
  }
  // Throws for a listener that is not PLAINTEXT.
  advertisedListener(configs);
  for (const warning of ignoredConfigWarnings(configs)) logger.warn(warning);
}

/** The effective Kafka configs of the broker, as DescribeConfigs shows them. */
export function configsInForce(settings: BrokerSettings): Record<string, string> {
  return { ...defaultsOf(settings), ...settings.kafkaConfigs, ...factsOf(settings) };
}

/**
 * In a cluster of managed servers a topic without a replication factor gets 3: with Kafka's default
 * of 1, its records would be lost with one machine.
 */
function defaultsOf({ cluster }: BrokerSettings): Record<string, string> {
  return cluster?.engine.kind === "managed" ? { "default.replication.factor": "3" } : {};
}

/** Settings of Tarpan that are configs in Kafka, for DescribeConfigs. */
function factsOf({ storage, dataDirectory, bindAddress, bindPort }: BrokerSettings) {
  const listeners = `PLAINTEXT://${bindAddress}:${bindPort}`;
  return storage === "segment" ? { listeners, "log.dirs": dataDirectory } : { listeners };
}
