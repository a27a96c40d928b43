import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, expect, test, vi } from "vitest";
import { mountTmpfs } from "../../../test/harness/mount.ts";
import { LogFile } from "../src/logging/log-file.ts";

const directory = mkdtempSync(join(tmpdir(), "tarpan-log-"));
const path = join(directory, "deep", "broker.log");
const told: string[] = [];
const tell = (what: string) => void told.push(what);
const OPTIONS = { path, maxSizeBytes: 0, maxBackups: 0, maxAgeMs: 0, compress: false, tell };
const files = () => readdirSync(join(directory, "deep"));

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
  told.length = 0;
});

test("plain Node can load it: the import from CommonJS works without a bundler", () => {
  const url = new URL("../src/logging/log-file.ts", import.meta.url).href;
  const args = ["--import", "tsx", "--input-type=module", "-e", `await import("${url}")`];
  execFileSync(process.execPath, args, { stdio: "pipe" });
});

test("makes its directory and appends to an existing file", () => {
  new LogFile(OPTIONS).write("one\n");
  new LogFile(OPTIONS).write("two\n");
  expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
});

test("starts a new file at the maximum size, and has every line once", () => {
  const log = new LogFile({ ...OPTIONS, maxSizeBytes: 10 });
  for (let i = 0; i < 4; i++) log.write(`line${i}\n`);
  expect(readFileSync(path, "utf8")).toBe("line3\n");
  const all = files().map((file) => readFileSync(join(directory, "deep", file), "utf8"));
  expect(
    all
      .join("")
      .match(/line\d/g)
      ?.sort(),
  ).toEqual(["line0", "line1", "line2", "line3"]);
});

test("starts a new file also when the old one was moved away", () => {
  const log = new LogFile({ ...OPTIONS, maxSizeBytes: 10 });
  log.write("line0\n");
  rmSync(path);
  log.write("line1\n");
  expect(readFileSync(path, "utf8")).toBe("line1\n");
});

test("removes only its own old files", () => {
  const log = new LogFile({ ...OPTIONS, maxSizeBytes: 1, maxBackups: 1 });
  const others = ["broker-2.log", "broker-1.log.gz", "broker-notes"];
  for (const other of others) new LogFile({ ...OPTIONS, path: join(directory, "deep", other) });
  for (let i = 0; i < 4; i++) log.write(`${i}\n`);
  expect(files()).toEqual(expect.arrayContaining(others));
  expect(files()).toHaveLength(others.length + 2);
});

test("keeps maxBackups old files", () => {
  const log = new LogFile({ ...OPTIONS, maxSizeBytes: 1, maxBackups: 2 });
  for (let i = 0; i < 6; i++) log.write(`${i}\n`);
  expect(files().length).toBeLessThanOrEqual(3);
  expect(readFileSync(path, "utf8")).toBe("5\n");
});

test("gzips old files, and deletes them after maxAgeMs", async () => {
  const log = new LogFile({ ...OPTIONS, maxSizeBytes: 1, maxAgeMs: 60_000, compress: true });
  log.write("0\n");
  const ofLastYear = "broker-2025-11-28T20-41-00.000Z.log.gz";
  writeFileSync(join(directory, "deep", ofLastYear), "");
  utimesSync(join(directory, "deep", ofLastYear), 0, 0);
  log.write("1\n");
  await vi.waitFor(() => expect(files()).toEqual([expect.stringMatching(/gz$/), "broker.log"]));
  expect(files()).not.toContain(ofLastYear);
  expect(gunzipSync(readFileSync(join(directory, "deep", files()[0]!))).toString()).toBe("0\n");
});

test("on a full disk, write reports it once, keeps 1 MiB of lines, and writes them later", async (context) => {
  const disk = await mountTmpfs("size=4m");
  if (disk === null) return context.skip("mounting a file system is not permitted here");
  const full = join(disk, "broker.log");
  const ballast = join(disk, "ballast");
  const log = new LogFile({ ...OPTIONS, path: full });
  log.write("before\n");
  expect(() => writeFileSync(ballast, Buffer.alloc(8_388_608))).toThrow("ENOSPC");
  for (let i = 0; i < 1100; i++) log.write(`${String(i).padStart(1023)}\n`);
  expect(told).toEqual([
    expect.stringMatching(/^can't write to the log .*broker\.log: no space left on device; free/),
  ]);
  expect(log.problem).toBe("no space left on device");
  const lostMeanwhile = log.linesLost;
  expect(lostMeanwhile).toBeGreaterThan(0);
  rmSync(ballast);
  log.write("after\n");
  expect([log.problem, log.linesLost]).toEqual([null, lostMeanwhile]);
  const [, lost] = /is written again; lines lost: (\d+)$/.exec(told.at(-1)!)!;
  const kept = 1100 - Number(lost);
  // 1 MiB of lines, and the lines that still fitted into the last block of the disk.
  expect(kept).toBeGreaterThanOrEqual(1024);
  expect(kept).toBeLessThan(1030);
  const lines = Array.from({ length: kept }, (_, i) => `${String(i).padStart(1023)}\n`);
  expect(readFileSync(full, "utf8")).toBe(`before\n${lines.join("")}after\n`);
  expect(told).toHaveLength(2);
});
