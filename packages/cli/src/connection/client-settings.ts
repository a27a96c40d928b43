// How a command connects, by flags, else --command-config, else the environment, else a profile.
import type { ClientOptions } from "@tarpan/client";
import { nearest } from "@tarpan/protocol/internal/nearest";
import type { Arguments } from "../args/arguments.ts";
import { parseDuration } from "../args/values.ts";
import { CommandError, UsageError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import { readProperties } from "./client-properties.ts";
import { securityOf, VALUE_NAMES } from "./named-values.ts";
import { profileFrom } from "./profile.ts";
import { merged, type Source } from "./source.ts";

const DEFAULT_BOOTSTRAP = "localhost:9092";
const DEFAULT_CLIENT_ID = "tarpan-cli";

export type ClientSettings = Pick<ClientOptions, "bootstrap" | "timeoutMs" | "tls" | "sasl"> & {
  readonly clientId: string;
};

/** Says on standard error what has no effect. `before` is used before the environment. */
export async function clientSettings(
  args: Arguments,
  io: Io,
  before: Omit<Source, "needs"> = {},
): Promise<ClientSettings> {
  const file = args.text("command-config");
  const profile = await profileFrom(
    args.text("profile") ?? (io.env.TARPAN_PROFILE || undefined),
    io,
  );
  const { options, warnings } = merged([
    await fromFlags(args),
    { ...before, needs: "" },
    ...(file === undefined ? [] : [await readProperties(file, "--command-config", "")]),
    await fromEnvironment(io),
    ...(profile === null ? [] : [profile]),
  ]);
  for (const warning of warnings) io.stderr.write(`tarpan: ${warning}\n`);
  return { bootstrap: DEFAULT_BOOTSTRAP, clientId: DEFAULT_CLIENT_ID, ...options };
}

async function fromFlags(args: Arguments): Promise<Source> {
  const timeout = args.text("timeout");
  const security = await securityOf({
    value: (name) => (args.has(name) ? (args.text(name) ?? "true") : undefined),
    label: (name) => `--${name}`,
    wrong: (message) => new UsageError(message),
  });
  return {
    ...security,
    bootstrap: args.text("bootstrap"),
    timeoutMs: timeout === undefined ? undefined : parseDuration(timeout, "--timeout"),
  };
}

const variableOf = (name: string) => `TARPAN_${name.toUpperCase().replaceAll("-", "_")}`;

const BROKERS = variableOf("brokers");
const VARIABLES = [BROKERS, variableOf("profile"), ...VALUE_NAMES.map(variableOf)];

/** An empty variable counts as unset. */
async function fromEnvironment({ env }: Io): Promise<Source> {
  const security = await securityOf({
    value: (name) => env[variableOf(name)] || undefined,
    label: variableOf,
    wrong: (message) => new CommandError(message),
  });
  return { ...security, bootstrap: env[BROKERS] || undefined, warnings: misspelt(env) };
}

function misspelt(env: Io["env"]): string[] {
  return Object.keys(env).flatMap((name) => {
    if (!/^TARPAN_(BROKERS?|PROFILE|TLS|SASL)/.test(name) || VARIABLES.includes(name)) return [];
    const near = nearest(name, VARIABLES);
    return near === null ? [] : [`${name} is not known; did you mean ${near}?`];
  });
}
