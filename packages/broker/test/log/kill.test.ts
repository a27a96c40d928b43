import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { nodeEnv } from "../../src/env/node-env.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import { baseOffsetOf, nextOffsetOf, OPTIONS, readAll } from "./batches.ts";

const WRITER = fileURLToPath(new URL("killed-writer.ts", import.meta.url));
const ID = { topic: "t", topicId: "AAAAAAAAAAAAAAAAAAAAAQ", partition: 0 };
const KILLS = 4;

/** Runs a writer, kills it after `count` acknowledged appends, returns all acknowledged offsets. */
async function writeAndKill(directory: string, count: number): Promise<number[]> {
  const args = ["--conditions=tarpan-source", "--import", "tsx", WRITER, directory, "40000"];
  const writer = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(writer, "close");
  let text = "";
  writer.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    if (text.split("\n").length > count) writer.kill("SIGKILL");
  });
  await closed;
  expect(writer.signalCode).toBe("SIGKILL");
  return text.slice(0, text.lastIndexOf("\n")).split("\n").map(Number);
}

it("loses nothing acknowledged when its process is killed", { timeout: 60_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), "tarpan-kill-"));
  const acknowledged = new Set<number>();
  for (let round = 0; round < KILLS; round++) {
    for (const offset of await writeAndKill(directory, 200 + 333 * round)) {
      expect(acknowledged.has(offset), `offset ${offset} given twice`).toBe(false);
      acknowledged.add(offset);
    }
  }
  const engine = await SegmentEngine.openDirectory(directory, {
    env: nodeEnv,
    flush: { mode: "always" },
  });
  expect(engine.cleanlyClosed).toBe(false);
  const log = await engine.open(ID, OPTIONS);
  let end = 0;
  for (const batch of await readAll(log)) {
    expect(baseOffsetOf(batch)).toBe(end);
    end = nextOffsetOf(batch);
    acknowledged.delete(baseOffsetOf(batch));
  }
  expect([...acknowledged]).toEqual([]);
  await engine.close();
  await rm(directory, { recursive: true, force: true });
});
