import type { Admin } from "@tarpan/client";
import type { Io } from "../terminal/io.ts";

/** How a broker begins, in a config's documentation, why the config has no effect. */
const IGNORED = /Stored, not acted on yet: (.+)\.$/;

/** Tells which of the configs given to a topic nothing acts on, as far as the broker says so. */
export async function tellIgnoredConfigs(
  admin: Admin,
  io: Io,
  topic: string,
  given: readonly string[],
): Promise<void> {
  if (given.length === 0) return;
  // Only advice: what was asked for is done, and another broker may not know the topic yet.
  const configs = await admin
    .describeConfigs({ type: "topic", name: topic }, [...given])
    .catch(() => []);
  for (const { name, documentation } of configs) {
    const why = IGNORED.exec(documentation ?? "")?.[1];
    if (why !== undefined) io.stderr.write(`${name} is stored, not acted on yet: ${why}\n`);
  }
}
