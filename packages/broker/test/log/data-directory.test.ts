import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Env } from "../../src/env/env.ts";
import { nodeEnv } from "../../src/env/node-env.ts";
import { nestedDirectories } from "../../src/log/segment/data-directory.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import { osError } from "../env/memory-files.ts";
import { testEnv } from "../env/test-env.ts";
import { batchOf, OPTIONS } from "./batches.ts";

const ID = { topic: "a.b_c-d", topicId: "AAAAAAAAAAAAAAAAAAAAAQ", partition: 12 };

function openOn(env: Env, nodeId?: number) {
  const options = { env, flush: { mode: "always" } as const };
  return SegmentEngine.openDirectory(
    "/data",
    nodeId === undefined ? options : { ...options, nodeId },
  );
}

describe("data directory", () => {
  it("is laid out as Kafka's", async () => {
    const env = testEnv();
    const engine = await openOn(env, 7);
    const log = await engine.create(ID, OPTIONS);
    await log.append(batchOf(1), 0);
    await engine.close();
    expect(env.fs.paths()).toEqual([
      "/data",
      "/data/.tarpan-clean",
      "/data/a.b_c-d-12",
      "/data/a.b_c-d-12/00000000000000000000.index",
      "/data/a.b_c-d-12/00000000000000000000.log",
      "/data/a.b_c-d-12/00000000000000000000.timeindex",
      "/data/a.b_c-d-12/partition.metadata",
      "/data/a.b_c-d-12/tarpan.checkpoint",
      "/data/meta.properties",
    ]);
    const text = (path: string) => new TextDecoder().decode(env.fs.contentOf(path));
    expect(text("/data/a.b_c-d-12/partition.metadata")).toBe(
      "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ",
    );
    expect(text("/data/meta.properties")).toMatch(
      /^version=1\ncluster\.id=[\w-]{22}\nnode\.id=7\ndirectory\.id=[\w-]{22}\n$/,
    );
  });

  it("keeps its identity and refuses another node", async () => {
    const env = testEnv();
    const first = await openOn(env, 7);
    const { meta } = first;
    await first.close();
    const second = await openOn(env);
    expect(second.meta).toEqual(meta);
    await second.close();
    await expect(openOn(env, 8)).rejects.toMatchObject({
      code: "TARPAN_DATA_DIRECTORY_OTHER_NODE",
      message: "data directory /data belongs to node 7, not to node 8",
    });
    expect((await openOn(env, 7)).cleanlyClosed).toBe(true);
  });

  it("is not given a new identity when it holds logs", async () => {
    const env = testEnv();
    const engine = await openOn(env);
    await engine.create(ID, OPTIONS);
    await engine.close();
    await env.fs.remove("/data/meta.properties");
    await expect(openOn(env)).rejects.toMatchObject({ code: "TARPAN_DATA_DIRECTORY_INCOMPLETE" });
  });

  it("of a newer format is refused", async () => {
    const env = testEnv();
    await (await openOn(env)).close();
    const text = "version=2\ncluster.id=x\nnode.id=0\n";
    env.fs.contentOf("/data/meta.properties").set(new TextEncoder().encode(text));
    await expect(openOn(env)).rejects.toMatchObject({
      code: "TARPAN_DATA_DIRECTORY_VERSION",
      message: expect.stringContaining("/data has format version 2"),
    });
  });

  it("that cannot be written is refused with the reason, and unlocked again", async () => {
    const env = testEnv();
    env.fs.fault = (operation, path) => {
      if (operation === "open") throw osError("EROFS", path);
    };
    const refusal = {
      code: "TARPAN_DATA_DIRECTORY_UNWRITABLE",
      message: /\/data: read-only file system \(EROFS\)$/,
    };
    await expect(openOn(env)).rejects.toMatchObject({
      code: refusal.code,
      message: expect.stringMatching(refusal.message),
    });
    env.fs.fault = () => {};
    await (await openOn(env)).close();
  });

  it("loses logs at the next start whose deletion a crash interrupted", async () => {
    const env = testEnv();
    const engine = await openOn(env);
    await engine.create(ID, OPTIONS);
    const remove = env.fs.remove.bind(env.fs);
    env.fs.remove = async () => {};
    await engine.delete(ID);
    await engine.close();
    env.fs.remove = remove;
    expect(env.fs.paths().some((path) => path.endsWith("-delete"))).toBe(true);
    const again = testEnv({ fs: env.fs.crashedAt(env.fs.changes.length, { kind: "power" }) });
    const second = await openOn(again);
    await second.close();
    expect(again.fs.paths().some((path) => path.endsWith("-delete"))).toBe(false);
  });
});

describe("a directory that belongs to no log", () => {
  const other = { topic: "broker", topicId: "AAAAAAAAAAAAAAAAAAAAAg", partition: 1 };
  /** The data directory of a broker at /data/broker-1, inside what will be another one's. */
  async function nested() {
    const env = testEnv();
    const inner = await SegmentEngine.openDirectory("/data/broker-1", {
      env,
      flush: { mode: "always" },
    });
    await inner.create(ID, OPTIONS);
    await inner.close();
    return { env, paths: env.fs.paths().filter((path) => path.startsWith("/data/broker-1")) };
  }

  it("is another broker's with a log's name: it is reported and never removed", async () => {
    const { env, paths } = await nested();
    const lines: string[] = [];
    const options = { env, flush: { mode: "always" } as const };
    const log = (line: string) => void lines.push(line);
    const engine = await SegmentEngine.openDirectory("/data", { ...options, log });
    expect(lines).toEqual([
      "data directory /data contains that of another broker, /data/broker-1: " +
        "deleting this one deletes both; keep them apart",
    ]);
    await expect(engine.create(other, OPTIONS)).rejects.toMatchObject({
      message: expect.stringContaining("/data/broker-1 exists and contains .tarpan-clean"),
    });
    await engine.close();
    const inner = await SegmentEngine.openDirectory("/data/broker-1", { ...options, log });
    expect(lines.at(-1)).toBe(
      "data directory /data/broker-1 is inside that of another broker, /data: " +
        "deleting that one deletes both; keep them apart",
    );
    await inner.close();
    expect(env.fs.paths().filter((path) => path.startsWith("/data/broker-1"))).toEqual(paths);
  });

  it("is the data directory of a cluster's broker", async () => {
    const env = testEnv();
    await env.fs.makeDirectory("/data/broker-1/nats");
    await (await env.fs.open("/data/broker-1/nats/node-id", { create: true })).close();
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line);
    const options = { env, flush: { mode: "always" } as const, log };
    const engine = await SegmentEngine.openDirectory("/data", options);
    expect(lines).toEqual([expect.stringContaining("of another broker, /data/broker-1")]);
    await expect(engine.create(other, OPTIONS)).rejects.toThrow("which belongs to no log");
    await engine.close();
    const around = await nestedDirectories("/data/broker-1", env.fs);
    expect(around).toEqual([
      "data directory /data/broker-1 is inside that of another broker, /data: " +
        "deleting that one deletes both; keep them apart",
    ]);
  });

  it.each(["notes.txt", "00000000000000000001.log", "partition.metadata.tmp/x"])(
    "is a directory with %s",
    async (name) => {
      const env = testEnv();
      const engine = await openOn(env);
      const path = `/data/broker-1/${name}`;
      await env.fs.makeDirectory(path.slice(0, path.lastIndexOf("/")));
      await (await env.fs.open(path, { create: true })).close();
      await expect(engine.create(other, OPTIONS)).rejects.toThrow("which belongs to no log");
      expect(env.fs.paths()).toContain(path);
    },
  );

  it("is a directory whose name only ends as a deleted log's does", async () => {
    const env = testEnv();
    await env.fs.makeDirectory("/data/customers-delete");
    await (await openOn(env)).close();
    expect(env.fs.paths()).toContain("/data/customers-delete");
  });

  it("is not one with the empty segment that an interrupted creation leaves", async () => {
    const env = testEnv();
    const engine = await openOn(env);
    await env.fs.makeDirectory("/data/broker-1");
    for (const name of ["00000000000000000000.log", "partition.metadata.tmp"])
      await (await env.fs.open(`/data/broker-1/${name}`, { create: true })).close();
    expect((await engine.create(other, OPTIONS)).nextOffset).toBe(0);
    await engine.close();
  });
});

describe("directory lock", () => {
  let directory = "";
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "tarpan-lock-"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));
  const open = (path = directory) =>
    SegmentEngine.openDirectory(path, { env: nodeEnv, flush: { mode: "always" } });
  const inUse = (path: string, pid: number) => ({
    code: "TARPAN_DATA_DIRECTORY_IN_USE",
    message:
      `data directory ${path} is in use by process ${pid}: ` +
      "stop that process, or use another directory",
  });

  it("refuses a second broker in the same process until the first has closed", async () => {
    const first = await open();
    await expect(open()).rejects.toMatchObject(inUse(directory, process.pid));
    await first.close();
    await (await open()).close();
  });

  it("refuses while the owner lives and takes over once it is dead", async () => {
    const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    const exited = once(other, "exit");
    await once(other, "spawn");
    const pid = other.pid!;
    const life = await nodeEnv.processes.lifeOf(pid);
    await writeFile(join(directory, `.lock-${pid}-${life}`), "");
    await expect(open()).rejects.toMatchObject(inUse(directory, pid));
    // The id of a dead owner may have been given to another process.
    await writeFile(join(directory, `.lock-${process.ppid}-1.00000000`), "");
    other.kill("SIGKILL");
    await exited;
    await (await open()).close();
  });

  it("takes over from a dead owner that is still a zombie process", async (context) => {
    if (process.platform !== "linux") context.skip("only Linux shows which process is a zombie");
    const parent = spawn("/bin/sh", ["-c", "sleep 600 & echo $!; exec sleep 600"]);
    try {
      const [line] = await once(parent.stdout, "data");
      const pid = Number(line);
      const life = await nodeEnv.processes.lifeOf(pid);
      await writeFile(join(directory, `.lock-${pid}-${life}`), "");
      await expect(open()).rejects.toMatchObject(inUse(directory, pid));
      process.kill(pid, "SIGKILL");
      while (!(await readFile(`/proc/${pid}/stat`, "latin1")).includes(") Z ")) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      await (await open()).close();
    } finally {
      parent.kill("SIGKILL");
    }
  });

  it("is given to at most one of many brokers that start at once", async () => {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => open()));
    const winners = results.filter((result) => result.status === "fulfilled");
    expect(winners.length).toBe(1);
    await winners[0]!.value.close();
  });

  it("names an unwritable directory", async (context) => {
    if (process.getuid?.() === 0) context.skip("root may write anywhere");
    const path = join(directory, "readonly");
    await mkdir(path);
    await chmod(path, 0o500);
    await expect(open(path)).rejects.toMatchObject({ code: "TARPAN_DATA_DIRECTORY_UNWRITABLE" });
  });

  it("names a path that is not a directory", async () => {
    const path = join(directory, "file");
    await writeFile(path, "x");
    await expect(open(path)).rejects.toMatchObject({
      code: "TARPAN_DATA_DIRECTORY_UNWRITABLE",
      message: expect.stringContaining(path),
    });
    expect(await readFile(path, "utf8")).toBe("x");
  });
});
