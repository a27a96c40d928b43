import type { BrokerSettings } from "./settings.ts";

/** Reads a config of one listener; null if it is not set or empty. */
export type ListenerConfigs = (name: string) => string | null;

/** As in Kafka, `listener.name.<listener>.<config>` goes before `<config>`. */
export function configsOfListener(
  kafkaConfigs: BrokerSettings["kafkaConfigs"],
  listener: string,
): ListenerConfigs {
  const prefix = `listener.name.${listener.toLowerCase()}.`;
  const byLowerName = new Map(
    Object.entries(kafkaConfigs).map(([name, value]) => [withLowerListener(name), value]),
  );
  return (name) => {
    const value = byLowerName.get(`${prefix}${name}`) ?? byLowerName.get(name) ?? "";
    return value.trim() === "" ? null : value.trim();
  };
}

/** Names of listeners may be written in any case. */
function withLowerListener(name: string): string {
  return name.replace(/^listener\.name\.[^.]+\./i, (prefix) => prefix.toLowerCase());
}
