// Starts a broker several times in one process, which has already loaded all modules.

import { join } from "node:path";
import { ApiVersions } from "@tarpan/protocol";
import { Broker } from "tarpan";
import { Connection } from "../connection.ts";
import { batchOf, produceErrorAt, produceRequest } from "../frames.ts";
import { createTopic } from "../targets/target.ts";

export interface EmbeddedJob {
  readonly storage: "memory" | "segment";
  readonly directory: string;
  readonly starts: number;
}

export interface EmbeddedResult {
  readonly timesMs: readonly number[];
}

const TOPIC = "bench-000";

const job = JSON.parse(process.argv[2]!) as EmbeddedJob;
const frame = produceRequest(TOPIC, 0, batchOf(1024, 1).batch, 0);
const errorAt = produceErrorAt(TOPIC);
const timesMs: number[] = [];

for (let i = 0; i < job.starts; i++) {
  const options =
    job.storage === "memory"
      ? { storage: "memory" as const }
      : { dataDir: join(job.directory, String(i)) };
  const startMs = performance.now();
  const broker = await Broker.start({ port: 0, ...options });
  const connection = await Connection.open(Number(broker.bootstrap.split(":")[1]));
  await connection.request(ApiVersions, 3, {
    clientSoftwareName: "bench",
    clientSoftwareVersion: "1",
  });
  await createTopic(connection, TOPIC, 1);
  const errorCode = (await connection.exchange(frame)).readInt16BE(errorAt);
  if (errorCode !== 0) throw new Error(`Produce was answered with error ${errorCode}`);
  timesMs.push(performance.now() - startMs);
  connection.close();
  await broker.stop();
}

const result: EmbeddedResult = { timesMs };
console.log(JSON.stringify(result));
