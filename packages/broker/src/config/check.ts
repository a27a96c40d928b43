import { ConfigError } from "./config-error.ts";
import { ignoredConfigWarnings } from "./kafka/start-configs.ts";
import { kafkaProblems, loadConfig } from "./load.ts";
import { readFileLayer } from "./sources.ts";

interface CheckedConfig {
  /** Why a broker would not start, each in one line with file, line number and key. */
  readonly problems: readonly string[];
  /** What it would warn of. */
  readonly warnings: readonly string[];
}

/** Checks a file as a broker would that has nothing else, but goes on after errors. */
export async function checkConfig(file: { path: string; text: string }): Promise<CheckedConfig> {
  const problems: string[] = [];
  try {
    const { kafka } = await readFileLayer(file, ({ message }) => void problems.push(message));
    problems.push(...kafkaProblems(kafka));
    if (problems.length > 0) return { problems, warnings: [] };
    const { settings, warnings } = await loadConfig({ file });
    const ignored = ignoredConfigWarnings(Object.keys(settings.kafkaConfigs));
    return { problems, warnings: [...warnings, ...ignored] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { problems: [error.message], warnings: [] };
  }
}
