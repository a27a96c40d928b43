import { it, type TestContext } from "vitest";
import { peer } from "./peers.ts";

const found = peer("nats-server");
const given = process.env.TARPAN_NATS_SERVER;

/** The nats-server program that brokers run. */
export const engineEnv: Readonly<Record<string, string>> = {
  TARPAN_NATS_SERVER: given ?? found.path,
};

/** The broker's flags for it. */
export const engineFlags: readonly string[] =
  given === undefined && found.old ? ["--allow-old-engine"] : [];

/** Whether there is a nats-server. If not, `clusterIt` skips its test, with the reason. */
export const hasEngine = given !== undefined || found.path !== "";

/** `it`, but skipped with the reason if there is no nats-server. */
export function clusterIt(
  name: string,
  test: (context: TestContext) => Promise<void>,
  timeoutMs?: number,
): void {
  if (given === undefined) found.it(name, test, timeoutMs);
  else it(name, test, timeoutMs);
}
