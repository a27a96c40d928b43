import type { ChildProcess } from "node:child_process";
import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import type { ProgramEvents, Programs } from "./env.ts";

/** How many characters of a program's standard error are kept. */
const ERRORS_KEPT = 4000;
const KEEP_ALIVE_MS = 2 ** 30;

export const nodePrograms: Programs = {
  async find(name) {
    for (const directory of (process.env.PATH ?? "").split(delimiter)) {
      const path = resolve(join(directory, name));
      const executable = access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (directory !== "" && (await executable)) return path;
    }
    return null;
  },

  async run(path, args) {
    const child = await spawned(path, args, ["ignore", "pipe", "pipe"]);
    let output = "";
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    const code = await new Promise<number | null>((done) => child.once("close", done));
    return { code, output };
  },

  async start(path, args, events) {
    const child = await spawned(path, args, ["pipe", "pipe", "pipe"], true);
    child.stdin!.on("error", () => {});
    report(child, events);
    return { processId: child.pid!, endInput: () => child.stdin!.destroy() };
  },

  signal(processId, signal) {
    try {
      return process.kill(processId, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
      throw error;
    }
  },

  async commandLineOf(processId) {
    try {
      const words = await readFile(`/proc/${processId}/cmdline`, "utf8");
      // A zombie has no command line.
      return words.replace(/\0$/, "").replaceAll("\0", " ") || null;
    } catch {
      if (process.platform === "linux" || process.platform === "win32") return null;
      const { code, output } = await this.run("ps", ["-o", "command=", "-p", String(processId)]);
      return code === 0 ? output.trim() : null;
    }
  },

  keepAlive() {
    const timer = setInterval(() => {}, KEEP_ALIVE_MS);
    return () => clearInterval(timer);
  },
};

/** Loads child_process on demand: a standalone broker runs no other program. */
async function spawned(
  path: string,
  args: readonly string[],
  stdio: ("ignore" | "pipe")[],
  detached = false,
): Promise<ChildProcess> {
  const { spawn } = await import("node:child_process");
  const child = spawn(path, args, { stdio, detached });
  await new Promise((started, failed) => {
    child.once("spawn", started);
    child.once("error", failed);
  });
  child.on("error", () => {});
  return child;
}

function report(child: ChildProcess, events: ProgramEvents): void {
  let line = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    const lines = (line + text).split("\n");
    line = lines.pop()!;
    for (const whole of lines) events.onLine(whole);
  });
  let errors = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-ERRORS_KEPT);
  });
  child.once("close", (code) => events.onEnd({ code, errors }));
}
