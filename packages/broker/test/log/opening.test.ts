// What the disk is asked when logs are opened: with many logs, these calls are the start.
import { describe, expect, it } from "vitest";
import type { LogId } from "../../src/log/log.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import { writeTopicId } from "../../src/log/segment/partition-metadata.ts";
import { aloneOnTheMachine, type TestEnv } from "../env/test-env.ts";
import { OPTIONS } from "./batches.ts";
import { ALWAYS, fill, ID, restart, start } from "./segment-fixture.ts";

const DIRECTORY = "/data/t-0";
const OTHER: LogId = { ...ID, topicId: "AAAAAAAAAAAAAAAAAAAAAg" };

/** Collects the calls for the log's own files and directory, from now on. */
function callsIn(env: TestEnv): string[] {
  const calls: string[] = [];
  env.fs.fault = (operation, path) => {
    if (path.startsWith(DIRECTORY)) calls.push(`${operation} ${path.slice(DIRECTORY.length)}`);
  };
  return calls;
}

async function openDirectory(env: TestEnv): Promise<SegmentEngine> {
  const again = { ...env, processes: aloneOnTheMachine() };
  return SegmentEngine.openDirectory("/data", { env: again, flush: ALWAYS });
}

describe("a log", () => {
  it("that was closed in order needs its topic id and its checkpoint, each once", async () => {
    const { env, log, engine } = await start();
    await fill(log, 3);
    await engine.close();
    const calls = callsIn(env);
    await restart(env);
    expect(calls).toEqual(["read /partition.metadata", "read /tarpan.checkpoint"]);
  });

  it("that was quiet before a kill needs no scan, and its directory synced", async () => {
    const { env, log } = await start();
    await fill(log, 3);
    await log.close();
    const calls = callsIn(env);
    await restart(env);
    expect(calls).toEqual([
      "read /partition.metadata",
      "syncDirectory ",
      "read /tarpan.checkpoint",
    ]);
  });

  it("that was written to before a kill gets its index files written once", async () => {
    const { env, log } = await start();
    await fill(log, 3);
    const calls = callsIn(env);
    await restart(env);
    expect(calls.filter((call) => /^sync .*index$/.test(call))).toEqual([
      "sync /00000000000000000000.index",
      "sync /00000000000000000000.timeindex",
    ]);
  });
});

describe("a topic id that was read when the directory was opened", () => {
  it("is not believed after the log was deleted and created anew", async () => {
    const { env, engine } = await start();
    await engine.close();
    const again = await openDirectory(env);
    await again.delete(ID);
    await (await again.create(OTHER, OPTIONS)).close();
    await expect(again.open(ID, OPTIONS)).rejects.toThrow("is not in /data");
    expect((await again.open(OTHER, OPTIONS)).nextOffset).toBe(0);
  });

  it("is read again after the log's first opening", async () => {
    const { env, engine } = await start();
    await engine.close();
    const again = await openDirectory(env);
    await (await again.open(ID, OPTIONS)).close();
    await writeTopicId(env.fs, DIRECTORY, OTHER.topicId);
    await expect(again.open(ID, OPTIONS)).rejects.toThrow("the log there has topic id");
    await again.open(OTHER, OPTIONS);
  });
});
