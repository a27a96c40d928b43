import { Client, type Trouble } from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import { parseDuration } from "../args/values.ts";
import { type ClientSettings, clientSettings } from "../connection/client-settings.ts";
import { explained } from "../connection/explain.ts";
import { describeFailure } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";

/**
 * Runs `work` with a client of the cluster that the arguments, the environment or a profile name,
 * and then closes the client. `work` gets the value of `--timeout`, too.
 */
export async function withClient<T>(
  args: Arguments,
  io: Io,
  work: (client: Client, timeoutMs: number | undefined) => Promise<T>,
): Promise<T> {
  const timeout = args.text("timeout");
  const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout, "--timeout");
  return withCluster(await clientSettings(args, io), io, (client) => work(client, timeoutMs));
}

export async function withCluster<T>(
  settings: ClientSettings,
  { stderr }: Io,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const futile = new Futile(settings);
  const onTrouble = (trouble: Trouble) => {
    // This overwrites the line that shows a command's progress.
    stderr.write(`${stderr.isTTY ? "\r\x1b[K" : ""}tarpan: ${troubleText(trouble)}\n`);
    void futile.check(trouble);
  };
  const client = new Client({ ...settings, onTrouble });
  try {
    return await Promise.race([work(client), futile.found]);
  } catch (error) {
    throw await explained(error, settings);
  } finally {
    await client.close();
  }
}

/** Ends a command whose retries can't succeed, because it lacks an option. */
class Futile {
  /** Rejects with what is missing. */
  readonly found: Promise<never>;
  readonly #settings: ClientSettings;
  #reject!: (error: unknown) => void;
  #isChecked = false;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    this.found = new Promise((_, reject) => {
      this.#reject = reject;
    });
    // The command may be over.
    this.found.catch(() => {});
  }

  /** The options don't change, so one check is enough. */
  async check({ error }: Trouble): Promise<void> {
    if (error === null || this.#isChecked) return;
    this.#isChecked = true;
    const explanation = await explained(error, this.#settings);
    if (explanation !== error) this.#reject(explanation);
  }
}

function troubleText({ what, error, sinceMs }: Trouble): string {
  const time = `${Math.round(sinceMs / 1_000)} s`;
  if (error === null) return `it works again, after ${time}`;
  return `${what}: still trying after ${time}: ${describeFailure(error)}`;
}
