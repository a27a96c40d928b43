import { MAX_STRING_BYTES } from "@tarpan/protocol";
import { BROKER_CONFIGS } from "../config/kafka/broker-configs.ts";
import { type ConfigTable, configProblem, toNumber } from "../config/kafka/definition.ts";
import { groupConfigProblem } from "../config/kafka/group-configs.ts";
import type { BrokerLayers } from "../config/kafka/resolve.ts";
import type { ConfigValues } from "../config/kafka/set-configs.ts";
import { brokerConfigRefusal } from "../config/kafka/start-configs.ts";
import { contradiction } from "../config/kafka/together.ts";
import { TOPIC_CONFIGS } from "../config/kafka/topic-configs.ts";

/** Why a topic can't have these configs, null if it can. */
export function topicConfigProblem(configs: ConfigValues): string | null {
  const problem = firstProblem(TOPIC_CONFIGS, configs);
  if (problem !== null) return problem;
  const least = configs.get("min.compaction.lag.ms") ?? "0";
  const most = configs.get("max.compaction.lag.ms");
  if (most !== undefined && toNumber(least) > toNumber(most)) {
    return `min.compaction.lag.ms (${least}) is above max.compaction.lag.ms (${most})`;
  }
  return null;
}

/**
 * Why these configs can't be set for one broker (`perBroker`) or for all brokers while they run,
 * null if they can.
 */
export function brokerConfigProblem(configs: ConfigValues, perBroker: boolean): string | null {
  for (const [name, value] of configs) {
    const tooLong = lengthProblem(name, value);
    if (tooLong !== null) return tooLong;
    const definition = BROKER_CONFIGS.get(name);
    // As in Kafka, unknown configs are kept: a plugin or another tool may use them.
    if (definition === undefined) continue;
    const problem = brokerConfigRefusal(name, value);
    if (problem !== null) return problem;
    const { update } = definition;
    if (update === "read-only") return `config ${name} can only be set when the broker starts`;
    if (update === "per-broker" && !perBroker) return `config ${name} is set per broker, by its id`;
  }
  return contradiction(configs)?.problem ?? null;
}

/** Why a group can't have these configs if the broker has `layers`, null if it can. */
export function groupProblem(configs: ConfigValues, layers: BrokerLayers): string | null {
  for (const [name, value] of configs) {
    const problem = lengthProblem(name, value);
    if (problem !== null) return problem;
  }
  return groupConfigProblem(configs, layers);
}

function firstProblem(table: ConfigTable, configs: ConfigValues): string | null {
  for (const [name, value] of configs) {
    const problem = lengthProblem(name, value) ?? configProblem(table, name, value);
    if (problem !== null) return problem;
  }
  return null;
}

/** A value must fit the records and answers that carry it. */
function lengthProblem(name: string, value: string): string | null {
  if (Buffer.byteLength(value) <= MAX_STRING_BYTES) return null;
  return `the value of ${name} is longer than ${MAX_STRING_BYTES} bytes`;
}
