import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { run } from "../harness/run.ts";
import { temporaryDirectory } from "../harness/temp.ts";
import { within } from "../harness/within.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const LIMIT_MS = 60_000;

it("npm start serves with the given flags, and leaves no process behind when npm is stopped", async () => {
  const flags = ["--bind-port", "0", "--data-dir", await temporaryDirectory()];
  const npm = spawn("npm", ["start", "--", ...flags], { cwd: root });
  const exited = once(npm, "exit");
  let output = "";
  const ready = new Promise<number>((resolve) => {
    for (const stream of [npm.stdout, npm.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        const match = /ready on 127\.0\.0\.1:(\d+)\s/.exec(output);
        if (match) resolve(Number(match[1]));
      });
    }
  });
  const port = await within(LIMIT_MS, "npm start", ready);
  expect((await fetch(`http://127.0.0.1:${port}/ready`)).status).toBe(200);
  npm.kill("SIGTERM");
  const [code] = await within(LIMIT_MS, "stopping", exited);
  expect(code, output).toBe(0);
  const [refused] = await once(connect(port, "127.0.0.1"), "error");
  expect((refused as NodeJS.ErrnoException).code).toBe("ECONNREFUSED");
}, 120_000);

it("npm start passes the broker's exit code on", async () => {
  const { code, stderr } = await run("npm", ["start", "--", "--no-such-flag"], { cwd: root });
  expect(code).toBe(2);
  expect(stderr).toContain("--no-such-flag");
}, 120_000);

it("bundles only if an input has changed", async () => {
  const main = join(root, "packages/cli/dist/bundle/main.js");
  const before = await stat(main);
  const { code } = await run(process.execPath, ["scripts/bundle.mjs"], { cwd: root });
  expect([code, (await stat(main)).ino]).toEqual([0, before.ino]);
});

it("replaces a bundle and keeps the chunks of the previous one, which may be running", async () => {
  const library = pathToFileURL(join(root, "scripts/lib/place-bundle.mjs")).href;
  const { placeBundle, upToDate } = await import(library);
  const home = await temporaryDirectory();
  const target = join(home, "bundle");
  const place = async (name: string) => {
    const aside = await mkdtemp(join(home, "aside-"));
    const files = ["main.js", `chunk-${name}.js`];
    for (const file of files) await writeFile(join(aside, file), name);
    await placeBundle(aside, target, files, name);
    return [await readFile(join(target, "main.js"), "utf8"), await readdir(target)];
  };
  const manifest = "manifest.json";
  expect(await place("a")).toEqual(["a", ["chunk-a.js", "main.js", manifest]]);
  expect(await place("b")).toEqual(["b", ["chunk-a.js", "chunk-b.js", "main.js", manifest]]);
  expect(await place("c")).toEqual(["c", ["chunk-b.js", "chunk-c.js", "main.js", manifest]]);
  expect([await upToDate(target, "c"), await upToDate(target, "b")]).toEqual([true, false]);
});
