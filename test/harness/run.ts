import { spawn } from "node:child_process";

export interface RunResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
  /** Kills the program; the run rejects. */
  readonly signal?: AbortSignal;
}

/** Runs a program to its end. Does not reject for its exit code: see `succeed`. */
export function run(
  program: string,
  args: readonly string[],
  { input = "", env = {}, cwd, timeoutMs = 60_000, signal }: RunOptions = {},
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
      ...(signal === undefined ? {} : { signal }),
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    // A program may end without reading its input: its exit code says more than EPIPE.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Runs a program that must succeed; returns its standard output. */
export async function succeed(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, signal, stdout, stderr } = await run(program, args, options);
  if (code === 0) return stdout;
  throw new Error(`${program} ended with ${signal ?? code}\n${stderr}\n${stdout}`);
}
