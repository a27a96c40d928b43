import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { LogFile } from "../src/logging/log-file.ts";

const directory = mkdtempSync(join(tmpdir(), "tarpan-log-"));
const path = join(directory, "deep", "broker.log");
const OPTIONS = { path, maxSizeBytes: 0, maxBackups: 0, maxAgeMs: 0, compress: false };
const files = () => readdirSync(join(directory, "deep"));

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("makes its directory and adds to what is there", () => {
  new LogFile(OPTIONS).write("one\n");
  new LogFile(OPTIONS).write("two\n");
  expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
});

test("begins a new file at the size, keeping every line once", () => {
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

test("begins a new file also when somebody has taken the old one away", () => {
  const log = new LogFile({ ...OPTIONS, maxSizeBytes: 10 });
  log.write("line0\n");
  rmSync(path);
  log.write("line1\n");
  expect(readFileSync(path, "utf8")).toBe("line1\n");
});

test("removes old files of its own only", () => {
  const log = new LogFile({ ...OPTIONS, maxSizeBytes: 1, maxBackups: 1 });
  const others = ["broker-2.log", "broker-1.log.gz", "broker-notes"];
  for (const other of others) new LogFile({ ...OPTIONS, path: join(directory, "deep", other) });
  for (let i = 0; i < 4; i++) log.write(`${i}\n`);
  expect(files()).toEqual(expect.arrayContaining(others));
  expect(files()).toHaveLength(others.length + 2);
});

test("keeps so many old files", () => {
  const log = new LogFile({ ...OPTIONS, maxSizeBytes: 1, maxBackups: 2 });
  for (let i = 0; i < 6; i++) log.write(`${i}\n`);
  expect(files().length).toBeLessThanOrEqual(3);
  expect(readFileSync(path, "utf8")).toBe("5\n");
});
