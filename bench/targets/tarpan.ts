import { fileURLToPath } from "node:url";
import { freePort, ServerProcess } from "./process.ts";
import type { Configs, Flush, Target } from "./target.ts";

const program = fileURLToPath(new URL("../../../packages/cli/bin/tarpan.js", import.meta.url));

/** The broker of this repository, as its users start it. */
export const tarpan: Target = {
  name: "tarpan",
  async start(directory: string, flush: Flush, configs: Configs = {}) {
    const port = await freePort();
    const flags = ["--bind-addr", "127.0.0.1", "--bind-port", String(port)];
    flags.push("--data-dir", directory, "--flush", flush);
    for (const [name, value] of Object.entries(configs)) flags.push("--kafka", `${name}=${value}`);
    return new ServerProcess(port, process.execPath, [program, "broker", ...flags]);
  },
};
