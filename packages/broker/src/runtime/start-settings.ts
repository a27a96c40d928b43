import { ConfigError } from "../config/config-error.ts";
import type { ListenerAddress } from "../config/kafka/listener.ts";
import { brokerConfigRefusal, ignoredConfigWarnings } from "../config/kafka/start-configs.ts";
import { contradiction } from "../config/kafka/together.ts";
import { listenersOf } from "../config/listeners.ts";
import type { BrokerSettings } from "../config/settings.ts";
import type { Logger } from "../logging/logger.ts";

/**
 * Throws for settings that would silently weaken the broker, also if no reader of settings has
 * checked them before. Warns of configs without effect.
 */
export function refuseBadSettings(settings: BrokerSettings, logger: Logger): void {
  const { flush, kafkaConfigs: configs } = settings;
  const modes: readonly unknown[] = ["always", "interval", "never"];
  if (!modes.includes(flush?.mode)) {
    throw new ConfigError(`flush: its mode must be ${modes.join(" | ")}`);
  }
  for (const [name, value] of Object.entries(configs)) {
    const problem = brokerConfigRefusal(name, value);
    if (problem !== null) throw new ConfigError(problem);
  }
  const both = contradiction(new Map(Object.entries(configs)));
  if (both !== null) throw new ConfigError(both.problem);
  // Throws for listeners that contradict each other.
  listenersOf(settings);
  for (const warning of ignoredConfigWarnings(Object.keys(configs))) logger.warn(warning);
}

/** The effective Kafka configs of the broker, as DescribeConfigs shows them. */
export function configsInForce(settings: BrokerSettings): Record<string, string> {
  const { kafkaConfigs } = settings;
  return {
    ...defaultsOf(settings),
    ...kafkaConfigs,
    ...factsOf(settings),
    ...withInitialAdmin(settings),
  };
}

/** An administrator to whom ACLs allow nothing would be of no use. */
function withInitialAdmin({ initialAdmin, kafkaConfigs }: BrokerSettings): Record<string, string> {
  if (initialAdmin === undefined || !kafkaConfigs["authorizer.class.name"]) return {};
  const given = (kafkaConfigs["super.users"] ?? "").split(";").map((name) => name.trim());
  const all = new Set([...given, `User:${initialAdmin.name}`]);
  all.delete("");
  return { "super.users": [...all].join(";") };
}

/**
 * Where Kafka's defaults are not enough. In a cluster of managed servers a topic without a
 * replication factor gets 3: with 1 its records would be lost with one machine. And with a backlog
 * of 50, clients that all come back at once would wait seconds for each other.
 */
function defaultsOf({ cluster }: BrokerSettings): Record<string, string> {
  const backlog = { "socket.listen.backlog.size": "1024" };
  return cluster?.engine.kind === "managed"
    ? { ...backlog, "default.replication.factor": "3" }
    : backlog;
}

/** Settings of Tarpan that are configs in Kafka, for DescribeConfigs. */
function factsOf(settings: BrokerSettings) {
  const { storage, dataDirectory } = settings;
  const listeners = listenersOf(settings).map(listenerText).join(",");
  return storage === "segment" ? { listeners, "log.dirs": dataDirectory } : { listeners };
}

function listenerText({ name, host, port }: ListenerAddress): string {
  return `${name}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
