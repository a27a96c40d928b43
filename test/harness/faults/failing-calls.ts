import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../run.ts";
import { temporaryDirectory } from "../temp.ts";

const source = fileURLToPath(new URL("failing-calls.c", import.meta.url));

export type FailingCall = "write" | "late-write" | "read" | "sync" | "open";
export type FailingErrno = "EIO" | "ENOSPC" | "EMFILE";

/** Lets system calls of a broker fail, and moves its wall clock: see failing-calls.c. */
export class FailingCalls {
  /** The variables of the environment with which the broker must be started. */
  readonly env: Readonly<Record<string, string>>;
  readonly #path: string;
  #rules: string[] = [];

  private constructor(directory: string, library: string) {
    this.#path = join(directory, "faults");
    this.env = { LD_PRELOAD: library, TARPAN_TEST_FAULTS: this.#path };
  }

  /** Calls on files with `path` in their path fail from now on. */
  fail(call: FailingCall, errno: FailingErrno, path: string): Promise<void> {
    return this.#add(`${call} ${constants.errno[errno]} ${path}`);
  }

  /** Kills the process before or after the `nth` write to files with `path` in their path. */
  async dieAt(moment: "before" | "after", nth: number, path: string): Promise<void> {
    await this.#add(`${moment === "before" ? "die" : "late-die"} ${nth} ${path}`);
  }

  /** The wall clock jumps; null: back to the true time. */
  async jump(seconds: number | null): Promise<void> {
    this.#rules = this.#rules.filter((rule) => !rule.startsWith("clock"));
    await this.#add(...(seconds === null ? [] : [`clock ${seconds}`]));
  }

  async end(): Promise<void> {
    this.#rules = [];
    await rm(this.#path, { force: true });
  }

  async #add(...rules: string[]): Promise<void> {
    this.#rules.push(...rules);
    await writeFile(this.#path, this.#rules.map((rule) => `${rule}\n`).join(""));
  }

  /** Builds the library. A string is the reason why that is not possible here. */
  static async build(): Promise<FailingCalls | string> {
    if (process.platform !== "linux") return "LD_PRELOAD works like this only on Linux";
    const compiler = ["cc", "gcc", "clang"].find(isInstalled);
    if (compiler === undefined) return "no C compiler (cc) is installed";
    const directory = await temporaryDirectory();
    const library = join(directory, "failing-calls.so");
    const args = ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"];
    const { code, stderr } = await run(compiler, args);
    if (code !== 0) return `${compiler} can't build a library here: ${stderr.slice(0, 200)}`;
    return new FailingCalls(directory, library);
  }
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? "").split(":").some((folder) => existsSync(join(folder, program)));
}
