import type { RetryPolicy } from "@tarpan/client";
import { nearest } from "@tarpan/protocol/internal/nearest";
import type { Arguments } from "../args/arguments.ts";
import type { Option } from "../args/options.ts";
import { parseDuration } from "../args/values.ts";
import { UsageError } from "../terminal/failures.ts";

export const EXEC_OPTIONS: readonly Option[] = [
  {
    name: "exec",
    argument: "COMMAND",
    help: "with --group: run this shell command for each record, with the value on its standard input",
  },
  {
    name: "retry",
    argument: "POLICY",
    help: "with --exec: try so often again, such as 3 or 3,delay=1s,factor=2,max-delay=1m",
  },
  { name: "dlq", help: "with --exec: records that still fail become dead letters in TOPIC.dlq" },
  { name: "concurrency", argument: "N", help: "with --exec: so many commands at once (1)" },
];

type Settings = Omit<RetryPolicy, "maxRetries">;

const SETTINGS: Readonly<Record<string, (text: string) => Settings>> = {
  delay: (text) => ({ initialDelayMs: parseDuration(text, "--retry delay") }),
  factor: (text) => ({ backoffFactor: parseFactor(text) }),
  "max-delay": (text) => ({ maxDelayMs: parseDuration(text, "--retry max-delay") }),
  mode: (text) => ({ mode: parseMode(text) }),
};

/** `3`, or `3,delay=1s,factor=2,max-delay=1m,mode=non-blocking`. */
export function retryFrom(args: Arguments): RetryPolicy | undefined {
  const policy = args.text("retry");
  if (policy === undefined) return undefined;
  const [count = "", ...settings] = policy.split(",");
  const maxRetries = Number(count);
  if (!/^\d{1,4}$/.test(count) || maxRetries > 1_000)
    throw new UsageError(
      `--retry must begin with a whole number, 0 to 1000, not ${JSON.stringify(count)}`,
    );
  return Object.assign({ maxRetries }, ...settings.map(settingOf));
}

function settingOf(text: string): Settings {
  const [name = "", value = ""] = text.split("=");
  if (Object.hasOwn(SETTINGS, name)) return SETTINGS[name]!(value);
  const near = nearest(name, Object.keys(SETTINGS));
  const hint = near ?? Object.keys(SETTINGS).join(", ");
  throw new UsageError(`--retry has no setting ${JSON.stringify(name)}; did you mean ${hint}?`);
}

function parseFactor(text: string): number {
  const factor = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (factor >= 1) return factor;
  throw new UsageError(`--retry factor must be 1 or more, not ${JSON.stringify(text)}`);
}

function parseMode(text: string): "ordered" | "non-blocking" {
  if (text === "ordered" || text === "non-blocking") return text;
  throw new UsageError(`--retry mode must be ordered or non-blocking, not ${JSON.stringify(text)}`);
}
