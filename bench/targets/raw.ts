import { fileURLToPath } from "node:url";
import type { RawFetchJob } from "../servers/raw-fetch.ts";
import type { RawProduceJob } from "../servers/raw-produce.ts";
import { freePort, ServerProcess } from "./process.ts";

export function rawProduce(job: RawProduceJob): Promise<ServerProcess> {
  return start("raw-produce", job);
}

export function rawFetch(job: RawFetchJob): Promise<ServerProcess> {
  return start("raw-fetch", job);
}

async function start(name: string, job: object): Promise<ServerProcess> {
  const port = await freePort();
  const script = fileURLToPath(new URL(`../servers/${name}.js`, import.meta.url));
  return new ServerProcess(port, process.execPath, [script, JSON.stringify(job)], {
    BENCH_PORT: String(port),
  });
}
