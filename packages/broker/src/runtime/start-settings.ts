import { ConfigError } from "../config/config-error.ts";
import { advertisedListener } from "../config/kafka/listener.ts";
import { brokerConfigRefusal, ignoredConfigWarnings } from "../config/kafka/start-configs.ts";
import type { BrokerSettings } from "../config/settings.ts";
import type { Logger } from "../logging/logger.ts";

/**
 * Throws for what would otherwise weaken the broker without a word, whoever made the settings, and
 * warns of what is not obeyed.
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
  // Throws for one that is not PLAINTEXT.
  advertisedListener(configs);
  for (const warning of ignoredConfigWarnings(configs)) logger.warn(warning);
}

/** Kafka's configs as the broker's metadata shows them. */
export function configsInForce(settings: BrokerSettings): Record<string, string> {
  return { ...defaultsOf(settings), ...settings.kafkaConfigs, ...factsOf(settings) };
}

/**
 * Where brokers replicate, a topic that nobody gave a number survives one of them: Kafka's default
 * of 1 would lose it with the first machine.
 */
function defaultsOf({ cluster }: BrokerSettings): Record<string, string> {
  return cluster?.engine.kind === "managed" ? { "default.replication.factor": "3" } : {};
}

/** What DescribeConfigs shows of settings that Kafka has as configs and Tarpan by other names. */
function factsOf({ storage, dataDirectory, bindAddress, bindPort }: BrokerSettings) {
  const listeners = `PLAINTEXT://${bindAddress}:${bindPort}`;
  return storage === "segment" ? { listeners, "log.dirs": dataDirectory } : { listeners };
}
