// Checks the Kafka broker configs that a start or a change at run time gives.
import { BROKER_CONFIGS } from "./broker-configs.ts";
import { type ConfigTable, configProblem } from "./definition.ts";
import { NO_SECURITY, WHY } from "./why-ignored.ts";

/** Why a broker can't have a config, at its start or at run time; null when it can. */
export function brokerConfigRefusal(name: string, value: string): string | null {
  const problem = configProblem(BROKER_CONFIGS, name, value);
  if (problem !== null) return problem;
  const { ignored, fallback } = BROKER_CONFIGS.get(name)!;
  if (ignored !== NO_SECURITY || value.trim() === "") return null;
  // Kafka's defaults mean "no security", except for SASL mechanisms: an operator who sets those
  // wants SASL, even if the value is the default.
  const isOff = value === fallback && !name.endsWith("sasl.enabled.mechanisms");
  return isOff ? null : `can't obey ${name}: ${NO_SECURITY}`;
}

/** Warnings for configs without effect, one line for each reason. */
export function ignoredConfigWarnings(
  names: Iterable<string>,
  table: ConfigTable = BROKER_CONFIGS,
): string[] {
  const namesBy = new Map<string, string[]>();
  for (const name of names) {
    const { ignored } = table.get(name) ?? UNKNOWN;
    if (ignored === null || ignored === NO_SECURITY) continue;
    namesBy.set(ignored, [...(namesBy.get(ignored) ?? []), name]);
  }
  return [...namesBy].map(([ignored, list]) => `no effect: ${list.sort().join(", ")}: ${ignored}`);
}

/** Clients may set any name for a broker while it runs, as in Kafka. */
const UNKNOWN = { ignored: WHY.unknown };
