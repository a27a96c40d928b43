// A broker's process that only starts its engine, for a test to kill. It waits for ever for a
// second broker, so only signals end it. The arguments are the data directory, the raft port and
// the path of the nats-server.
import { nodeEnv } from "../../src/env/node-env.ts";
import { silentLogger } from "../../src/logging/logger.ts";
import { startEngine } from "../../src/nats/start-engine.ts";

const [dataDirectory, raftPort, serverPath] = process.argv.slice(2) as [string, string, string];
const stopping = new AbortController();
process.once("SIGTERM", () => stopping.abort(new Error("told to stop")));
const peers = [`127.0.0.1:${raftPort}`];
const engine = { kind: "managed", raftHost: "127.0.0.1", raftPort: Number(raftPort) } as const;
const cluster = {
  engine: { ...engine, serverPath },
  discovery: { type: "static", peers } as const,
  followerRead: false,
  allowOldEngine: true,
};
const flush = { mode: "always" } as const;
const { signal } = stopping;
const options = { dataDirectory, nodeId: 1, flush, env: nodeEnv, logger: silentLogger, signal };
startEngine(cluster, options).catch((error: Error) => {
  console.log(error.message);
});
