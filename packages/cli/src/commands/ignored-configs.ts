import type { Admin } from "@tarpan/client";
import type { Output } from "../terminal/output.ts";

/** How the documentation of a config begins that has no effect. */
const IGNORED = /Stored, but has no effect yet: (.+)\.$/;

/** Warns of the topic's configs that have no effect, as the broker's documentation says. */
export async function tellIgnoredConfigs(
  admin: Admin,
  output: Output,
  topic: string,
  given: readonly string[],
): Promise<void> {
  if (given.length === 0) return;
  // Only advice: the change is made, and another broker may not know the topic yet.
  const configs = await admin
    .describeConfigs({ type: "topic", name: topic }, [...given])
    .catch(() => []);
  for (const { name, documentation } of configs) {
    const why = IGNORED.exec(documentation ?? "")?.[1];
    if (why !== undefined) output.note(`${name} is stored but has no effect yet: ${why}`);
  }
}
