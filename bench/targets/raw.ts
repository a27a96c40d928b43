// Passes the layout of the frames to the bare servers, which load no module of Tarpan.

import { fileURLToPath } from "node:url";
import {
  batchPlace,
  fetchResponse,
  produceResponse,
  REQUEST_ID_AT,
  RESPONSE_ID_AT,
  recordsPlace,
} from "../frames.ts";
import type { RawFetchJob } from "../servers/raw-fetch.ts";
import type { RawProduceJob } from "../servers/raw-produce.ts";
import { freePort, ServerProcess } from "./process.ts";
import type { Flush } from "./target.ts";

const IDS = { requestIdAt: REQUEST_ID_AT, answerIdAt: RESPONSE_ID_AT };

export interface RawProduceOptions {
  /** Any topic whose name has the same length. */
  readonly topic: string;
  /** The exact size of every batch. */
  readonly batchBytes: number;
  readonly flush: Flush;
  readonly file: string;
}

export function rawProduce(options: RawProduceOptions): Promise<ServerProcess> {
  const { topic, batchBytes, flush, file } = options;
  const { at, after } = batchPlace(topic, batchBytes);
  const answer = produceResponse(topic).toString("base64");
  const job: RawProduceJob = { ...IDS, batchAt: at, bytesAfterBatch: after, answer, flush, file };
  return start("raw-produce", job);
}

export interface RawFetchOptions {
  readonly topic: string;
  readonly file: string;
  /** Bytes of records in every response. */
  readonly chunkBytes: number;
  readonly chunks: number;
}

export function rawFetch(options: RawFetchOptions): Promise<ServerProcess> {
  const { topic, file, chunkBytes, chunks } = options;
  const { at, after } = recordsPlace(topic, chunkBytes);
  const answer = fetchResponse(topic, new Uint8Array(chunkBytes));
  const job: RawFetchJob = {
    ...IDS,
    before: answer.subarray(0, at).toString("base64"),
    after: answer.subarray(answer.length - after).toString("base64"),
    file,
    chunkBytes,
    chunks,
  };
  return start("raw-fetch", job);
}

async function start(name: string, job: RawProduceJob | RawFetchJob): Promise<ServerProcess> {
  const port = await freePort();
  const script = fileURLToPath(new URL(`../servers/${name}.js`, import.meta.url));
  return new ServerProcess(port, process.execPath, [script, JSON.stringify(job)], {
    BENCH_PORT: String(port),
  });
}
