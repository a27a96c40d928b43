// What may happen to a log while a new file is begun.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { mountTmpfs } from "../../../test/harness/mount.ts";
import { temporaryDirectory } from "../../../test/harness/temp.ts";
import { LogFile, type LogFileOptions } from "../src/logging/log-file.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let directory = "";
let path = "";
let told: string[] = [];

beforeEach(async () => {
  directory = join(await temporaryDirectory(), "logs");
  path = join(directory, "broker.log");
  told = [];
});

afterEach(() => void vi.useRealTimers());

function open(options: Partial<LogFileOptions> = {}): LogFile {
  const none = { maxSizeBytes: 0, maxBackups: 0, maxAgeMs: 0, compress: false };
  return new LogFile({ path, ...none, tell: (what) => void told.push(what), ...options });
}

const names = () => readdirSync(directory).sort();

/** All lines, from the oldest file to the present one. */
function lines(): string[] {
  const old = names().filter((name) => name !== "broker.log");
  const texts = [...old, "broker.log"].map((name) => {
    const bytes = readFileSync(join(directory, name));
    return (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
  });
  return texts.join("").split("\n").slice(0, -1);
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);

const areCompressed = () =>
  vi.waitFor(() => {
    const old = names().filter((name) => name !== "broker.log");
    expect(old.filter((name) => !name.endsWith(".gz"))).toEqual([]);
  });

test("a new file for each line: order, number and compression hold", async () => {
  const log = open({ maxSizeBytes: 1, maxBackups: 5, compress: true });
  for (const line of numbers(200)) log.write(`${line}\n`);
  await areCompressed();
  log.write("200\n");
  await areCompressed();
  expect(names()).toHaveLength(6);
  expect(lines()).toEqual(["195", "196", "197", "198", "199", "200"]);
  expect(told).toEqual([]);
});

test("the clock is set back: the newest old files are kept", () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2030, 0, 1) });
  open({ maxSizeBytes: 1 }).write("0\n");
  const log = open({ maxSizeBytes: 1, maxBackups: 2 });
  log.write("1\n");
  vi.setSystemTime(Date.UTC(2026, 0, 1));
  for (const line of ["2", "3", "4"]) log.write(`${line}\n`);
  expect(lines()).toEqual(["2", "3", "4"]);
  // A broker that was restarted goes on with the names.
  open({ maxSizeBytes: 1, maxBackups: 2 }).write("5\n");
  expect(lines()).toEqual(["3", "4", "5"]);
});

test("files become too old at a start, and while a log is too quiet to become full", () => {
  // The files' own times are real ones.
  const nowMs = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: nowMs });
  const options = { maxSizeBytes: 1, maxAgeMs: DAY_MS };
  const begin = () => {
    const log = open(options);
    for (const line of ["0", "1"]) log.write(`${line}\n`);
    expect(names()).toHaveLength(2);
  };
  begin();
  vi.setSystemTime(nowMs + DAY_MS - HOUR_MS);
  open(options);
  expect(names()).toHaveLength(2);
  vi.setSystemTime(nowMs + DAY_MS + HOUR_MS);
  open(options);
  expect(names()).toEqual(["broker.log"]);
  vi.setSystemTime(nowMs);
  rmSync(path);
  begin();
  const quiet = open({ ...options, maxSizeBytes: 0 });
  vi.setSystemTime(nowMs + DAY_MS + HOUR_MS);
  quiet.write("2\n");
  expect(names()).toEqual(["broker.log"]);
});

test("a broker killed while it compresses leaves no line out: the next one compresses", async () => {
  mkdirSync(directory);
  const old = join(directory, "broker-2026-11-28T20-41-00.000Z.log");
  const lines = numbers(1000).join("\n");
  writeFileSync(old, `${lines}\n`);
  // An earlier version of Tarpan wrote to this name while it compressed.
  writeFileSync(`${old}.gz`, "half");
  writeFileSync(`${old}.gz.1.tmp`, "half");
  open({ compress: true });
  await vi.waitFor(() => expect(existsSync(old)).toBe(false));
  expect(gunzipSync(readFileSync(`${old}.gz`)).toString()).toBe(`${lines}\n`);
  expect(names()).toContain(`${basename(old)}.gz.1.tmp`);
  const log = open({ maxSizeBytes: 1, maxBackups: 1 });
  for (const line of ["0", "1"]) log.write(`${line}\n`);
  expect(names()).toHaveLength(2);
});

test("kill -9 at any moment: every line whose write returned is there once, in order", async () => {
  const module = new URL("../src/logging/log-file.ts", import.meta.url).href;
  const program = `
    const { LogFile } = await import(${JSON.stringify(module)});
    const path = ${JSON.stringify(path)};
    const rotation = { maxSizeBytes: 20_000, maxBackups: 0, maxAgeMs: 0, compress: true };
    const log = new LogFile({ path, ...rotation, tell: console.error });
    for (let i = 0; ; i++) {
      log.write(i + "\\n");
      if (i % 1000 === 0) process.stdout.write(i + "\\n");
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }`;
  const args = ["--import", "tsx", "--input-type=module", "-e", program];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  let written = 0;
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    written = Number((chunk as string).trim().split("\n").at(-1));
    if (written > 20_000 && !child.killed) child.kill("SIGKILL");
  }
  await ended;
  open({ compress: true });
  await vi.waitFor(() => {
    const plain = names().filter((name) => name.endsWith("Z.log"));
    expect(plain).toEqual([]);
  });
  for (const name of names()) if (name.endsWith(".tmp")) rmSync(join(directory, name));
  const found = lines();
  expect(found.length).toBeGreaterThan(written);
  expect(found).toEqual(numbers(found.length));
});

test("the file was moved, as logrotate does: the next line begins a new one", () => {
  const log = open();
  log.write("0\n");
  renameSync(path, `${path}.1`);
  log.write("1\n");
  expect(readFileSync(`${path}.1`, "utf8")).toBe("0\n");
  expect(readFileSync(path, "utf8")).toBe("1\n");
  // With `create`, logrotate makes the next file itself.
  renameSync(path, `${path}.2`);
  writeFileSync(path, "made\n");
  log.write("2\n");
  expect(readFileSync(path, "utf8")).toBe("made\n2\n");
  expect(told).toEqual([]);
});

test("the directory was removed: it is made again", () => {
  const log = open({ maxSizeBytes: 1, maxBackups: 1, compress: true });
  log.write("0\n");
  rmSync(directory, { recursive: true });
  log.write("1\n");
  expect(lines()).toEqual(["1"]);
  expect(told).toEqual([]);
});

test("a new file can't be begun: it is said once, and lines go to the old file", () => {
  const log = open({ maxSizeBytes: 1 });
  log.write("0\n");
  renameSync(directory, `${directory}-moved`);
  writeFileSync(directory, "a file");
  for (const line of ["1", "2"]) log.write(`${line}\n`);
  expect(readFileSync(join(`${directory}-moved`, "broker.log"), "utf8")).toBe("0\n1\n2\n");
  expect(told).toEqual([
    expect.stringMatching(/^can't begin a new log .*broker\.log: .*directory/),
  ]);
  rmSync(directory);
  log.write("3\n");
  expect(lines()).toEqual(["3"]);
});

test("a full disk has no room for a new file: lines go to the old one until it has", async (context) => {
  const disk = await mountTmpfs("size=4m,nr_inodes=3");
  if (disk === null) return context.skip("mounting a file system is not permitted here");
  directory = disk;
  path = join(disk, "broker.log");
  const log = open({ maxSizeBytes: 1 });
  log.write("0\n");
  const ballast = join(disk, "ballast");
  writeFileSync(ballast, "");
  for (const line of ["1", "2"]) log.write(`${line}\n`);
  expect(told).toEqual([expect.stringMatching(/^can't begin .*: no space left on device; /)]);
  rmSync(ballast);
  log.write("3\n");
  expect(lines()).toEqual(["0", "1", "2", "3"]);
});
