// Appends until it is killed, and prints the acknowledged offsets.
import { nodeEnv } from "../../src/env/node-env.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import { batchOf, OPTIONS } from "./batches.ts";

const [directory = "", segmentBytes = ""] = process.argv.slice(2);
const id = { topic: "t", topicId: "AAAAAAAAAAAAAAAAAAAAAQ", partition: 0 };
const options = { ...OPTIONS, segmentBytes: Number(segmentBytes) };
const engine = await SegmentEngine.openDirectory(directory, {
  env: nodeEnv,
  flush: { mode: "always" },
});
const isThere = (await engine.list()).length > 0;
const log = await (isThere ? engine.open(id, options) : engine.create(id, options));

async function appendForever(): Promise<never> {
  for (;;) {
    const offset = await log.append(batchOf(1, { count: 3, valueBytes: 500 }), 0);
    process.stdout.write(`${offset}\n`);
  }
}
await Promise.all(Array.from({ length: 20 }, appendForever));
