import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ClusterNode, killByPidFile } from "./cluster.ts";
import { freePort, ServerProcess } from "./process.ts";
import type { Configs, Flush, SecondListener, Target } from "./target.ts";

const program = fileURLToPath(new URL("../../../packages/cli/bin/tarpan.js", import.meta.url));

/** The broker of this repository, as its users start it. */
export const tarpan: Target = {
  name: "tarpan",
  async start(directory: string, flush: Flush, configs: Configs = {}, second?: SecondListener) {
    const port = await freePort();
    const flags = ["--data-dir", directory, "--flush", flush];
    if (second === undefined) {
      flags.push("--bind-addr", "127.0.0.1", "--bind-port", String(port));
    } else {
      const other = `${second.protocol}://127.0.0.1:${second.port}`;
      flags.push("--kafka", `listeners=PLAINTEXT://127.0.0.1:${port},${other}`);
    }
    for (const [name, value] of Object.entries(configs)) flags.push("--kafka", `${name}=${value}`);
    return new ServerProcess(port, process.execPath, [program, "broker", ...flags]);
  },

  async startCluster(directory: string, flush: Flush, brokers: number) {
    const ids = Array.from({ length: brokers }, (_, i) => i + 1);
    const raftPorts: number[] = [];
    for (const _ of ids) raftPorts.push(await freePort());
    const peers = raftPorts.map((port) => `127.0.0.1:${port}`);
    return Promise.all(
      ids.map(async (id, i) => {
        const port = await freePort();
        const dataDirectory = join(directory, String(id));
        const flags = ["--node-id", String(id), "--bind-addr", "127.0.0.1"];
        flags.push("--bind-port", String(port), "--data-dir", dataDirectory, "--flush", flush);
        flags.push("--raft-addr", peers[i]!, "--cluster-peers", peers.join(","));
        return new ClusterNode({
          id,
          start: () => new ServerProcess(port, process.execPath, [program, "broker", ...flags]),
          killEngine: () => killByPidFile(join(dataDirectory, "nats", "nats-server.pid")),
        });
      }),
    );
  },
};
