import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { run } from "../harness/run.ts";
import { temporaryDirectory } from "../harness/temp.ts";
import { within } from "../harness/within.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const LIMIT_MS = 60_000;

it("npm start serves with the flags given, and leaves nothing behind when npm is told to stop", async () => {
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
