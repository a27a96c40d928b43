import { Client } from "@tarpan/client";
import type { Arguments } from "./args/parse.ts";
import { parseDuration } from "./args/values.ts";

const DEFAULT_BOOTSTRAP = "localhost:9092";

/** Runs `work` with a client of the cluster that `--bootstrap` names, and closes it. */
export async function withClient<T>(
  args: Arguments,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const timeout = args.text("timeout");
  return withCluster(
    args.text("bootstrap") ?? DEFAULT_BOOTSTRAP,
    timeout === undefined ? undefined : parseDuration(timeout, "--timeout"),
    work,
  );
}

export async function withCluster<T>(
  bootstrap: string | readonly string[],
  timeoutMs: number | undefined,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const given = timeoutMs === undefined ? {} : { timeoutMs };
  const client = new Client({ bootstrap, clientId: "tarpan-cli", ...given });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
