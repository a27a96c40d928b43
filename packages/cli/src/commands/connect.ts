import { Client, type ClientOptions, type Trouble } from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import { securityFrom } from "../args/security-flags.ts";
import { parseDuration } from "../args/values.ts";
import { describeFailure } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";

const DEFAULT_BOOTSTRAP = "localhost:9092";

/**
 * Runs `work` with a client of the cluster that `--bootstrap` names, and then closes the client.
 * `work` gets the value of `--timeout`, too.
 */
export async function withClient<T>(
  args: Arguments,
  io: Io,
  work: (client: Client, timeoutMs: number | undefined) => Promise<T>,
): Promise<T> {
  const timeout = args.text("timeout");
  const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout, "--timeout");
  const bootstrap = args.text("bootstrap") ?? DEFAULT_BOOTSTRAP;
  const options = { bootstrap, timeoutMs, ...(await securityFrom(args)) };
  return withCluster(options, io, (client) => work(client, timeoutMs));
}

export async function withCluster<T>(
  options: Pick<ClientOptions, "bootstrap" | "timeoutMs" | "tls" | "sasl">,
  { stderr }: Io,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const onTrouble = (trouble: Trouble) => {
    // This overwrites the line that shows a command's progress.
    stderr.write(`${stderr.isTTY ? "\r\x1b[K" : ""}tarpan: ${troubleText(trouble)}\n`);
  };
  const client = new Client({ ...options, clientId: "tarpan-cli", onTrouble });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

function troubleText({ what, error, sinceMs }: Trouble): string {
  const time = `${Math.round(sinceMs / 1_000)} s`;
  if (error === null) return `it works again, after ${time}`;
  return `${what}: still trying after ${time}: ${describeFailure(error)}`;
}
