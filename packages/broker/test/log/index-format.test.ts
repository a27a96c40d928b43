// Reads our index files as Kafka's dump-log tool does, and makes the checks that it makes.
import { describe, expect, it } from "vitest";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import { testEnv } from "../env/test-env.ts";
import { batchOf, OPTIONS } from "./batches.ts";

const ID = { topic: "t", topicId: "AAAAAAAAAAAAAAAAAAAAAQ", partition: 0 };

interface FileBatch {
  position: number;
  lastOffset: number;
  maxTimestamp: number;
}

function batchesOf(log: Uint8Array): FileBatch[] {
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength);
  const batches: FileBatch[] = [];
  for (let at = 0; at < log.length; at += 12 + view.getInt32(at + 8))
    batches.push({
      position: at,
      lastOffset: Number(view.getBigInt64(at)) + view.getInt32(at + 23),
      maxTimestamp: Number(view.getBigInt64(at + 35)),
    });
  return batches;
}

describe("index files", () => {
  it("are valid for Kafka's tools after rolls, restarts and checkpoints", async () => {
    const env = testEnv();
    const options = { ...OPTIONS, segmentBytes: 60_000 };
    const open = () => SegmentEngine.openDirectory("/data", { env, flush: { mode: "never" } });
    let engine = await open();
    let log = await engine.create(ID, options);
    for (let i = 0; i < 300; i++) {
      const timestamp = 1000 + i * 10 - (i % 7) * 50;
      await log.append(batchOf(i, { count: 1 + (i % 4), valueBytes: 150, timestamp }), 0);
      if (i % 50 === 20) await log.saveCheckpoint(log.endOffset, new Uint8Array(1));
      if (i % 90 !== 89) continue;
      await engine.close();
      engine = await open();
      log = await engine.open(ID, options);
    }
    await engine.close();
    const segments = env.fs.paths().filter((path) => path.endsWith(".log"));
    expect(segments.length).toBeGreaterThan(1);
    for (const path of segments) checkSegment(path.slice(0, -4), (file) => env.fs.contentOf(file));
  });
});

function checkSegment(path: string, contentOf: (path: string) => Uint8Array): void {
  const base = Number(path.slice(-20));
  const batches = batchesOf(contentOf(`${path}.log`));
  const index = contentOf(`${path}.index`);
  const indexView = new DataView(index.buffer, index.byteOffset, index.byteLength);
  expect(index.length % 8).toBe(0);
  expect(index.length).toBeGreaterThan(0);
  let before = 0;
  for (let at = 0; at < index.length; at += 8) {
    const position = indexView.getInt32(at + 4);
    const batch = batches.find((one) => one.position === position);
    expect(batch?.lastOffset).toBe(base + indexView.getInt32(at));
    // Sparse: an entry for the first batch that begins more than 4096 bytes after the last entry.
    expect(position - before).toBeGreaterThan(4096);
    before = position;
  }
  const times = contentOf(`${path}.timeindex`);
  const timeView = new DataView(times.buffer, times.byteOffset, times.byteLength);
  expect(times.length % 12).toBe(0);
  let last = -1;
  for (let at = 0; at < times.length; at += 12) {
    const timestamp = Number(timeView.getBigInt64(at));
    const offset = base + timeView.getInt32(at + 8);
    expect(timestamp).toBeGreaterThan(last);
    expect(batches.find((one) => one.lastOffset === offset)?.maxTimestamp).toBe(timestamp);
    last = timestamp;
  }
  expect(last).toBe(Math.max(...batches.map((batch) => batch.maxTimestamp)));
}
