import type { BrokerSettings } from "../config/settings.ts";
import { nodeEnv } from "../env/node-env.ts";
import { findNatsServer } from "./find-server.ts";

/** Rejects with EngineError if a broker with these settings could not run a nats-server. */
export async function checkNatsServerProgram({ cluster }: BrokerSettings): Promise<void> {
  if (cluster?.engine.kind !== "managed") return;
  const { serverPath: path } = cluster.engine;
  await findNatsServer(nodeEnv, { path, allowOld: cluster.allowOldEngine });
}
