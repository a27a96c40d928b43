import { it, type TestContext } from "vitest";
import { peer } from "./peers.ts";

const found = peer("nats-server");
const given = process.env.TARPAN_NATS_SERVER;

/** Where brokers find the nats-server that they run. */
export const engineEnv: Readonly<Record<string, string>> = {
  TARPAN_NATS_SERVER: given ?? found.path,
};

/** What a broker has to be told of it. */
export const engineFlags: readonly string[] =
  given === undefined && found.old ? ["--allow-old-engine"] : [];

/** Whether there is one. Where not, `clusterIt` says why and no cluster is started. */
export const hasEngine = given !== undefined || found.path !== "";

/** `it`, skipped with the reason where there is no nats-server. */
export function clusterIt(
  name: string,
  test: (context: TestContext) => Promise<void>,
  timeoutMs?: number,
): void {
  if (given === undefined) found.it(name, test, timeoutMs);
  else it(name, test, timeoutMs);
}
