// Checks the Kafka broker configs that a start or a change at run time gives.
import { BROKER_CONFIGS } from "./broker-configs.ts";
import { configProblem } from "./definition.ts";
import { NO_SECURITY } from "./why-ignored.ts";

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
export function ignoredConfigWarnings(configs: Readonly<Record<string, string>>): string[] {
  const names = new Map<string, string[]>();
  for (const name of Object.keys(configs)) {
    const ignored = BROKER_CONFIGS.get(name)?.ignored ?? null;
    if (ignored === null || ignored === NO_SECURITY) continue;
    names.set(ignored, [...(names.get(ignored) ?? []), name]);
  }
  return [...names].map(([ignored, list]) => `no effect: ${list.sort().join(", ")}: ${ignored}`);
}
