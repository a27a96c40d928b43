import type { Env, RunningThread, Threads, Timer } from "../../env/env.ts";
import { nextTurnOf } from "../../util/next-turn.ts";
import { CLEANER_THREAD_IDLE_MS } from "../limits.ts";
import { LogError } from "../log-error.ts";
import type { CleaningRun, Filtered, Noted } from "./batch-cleaner.ts";
import { CleaningHere, type CleaningWork } from "./cleaning-work.ts";
import type { ThreadAnswer, ThreadCall } from "./thread-messages.ts";

type WorkEnv = Pick<Env, "timers" | "threads">;

/** `report` takes one line for the operator. */
export function newCleaningWork(env: WorkEnv, report: (line: string) => void): CleaningWork {
  const here = new CleaningHere(nextTurnOf(env.timers));
  return env.threads === null ? here : new CleaningBeside(env.threads, env.timers, here, report);
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: LogError): void;
}

/**
 * Compaction's work in a thread of its own, so that the event loop stays free. The thread is
 * started when it is needed, and ended when it had nothing to do for a while. If it can't be
 * started, as when an upgrade has deleted its file, the work is done here.
 */
class CleaningBeside implements CleaningWork {
  readonly #threads: Threads;
  readonly #timers: Env["timers"];
  readonly #here: CleaningHere;
  readonly #report: (line: string) => void;
  #thread: RunningThread | null = null;
  #waiting: Waiting | null = null;
  #isHere = false;
  #idle: Timer | undefined;

  constructor(
    threads: Threads,
    timers: Env["timers"],
    here: CleaningHere,
    report: (line: string) => void,
  ) {
    this.#threads = threads;
    this.#timers = timers;
    this.#here = here;
    this.#report = report;
  }

  async begin(run: CleaningRun): Promise<void> {
    this.#idle?.cancel();
    if (this.#isHere) return this.#here.begin(run);
    try {
      this.#thread ??= this.#start();
      await this.#ask({ method: "begin", run });
    } catch (error) {
      this.#isHere = true;
      this.#report(
        `compaction has no thread of its own, and works between requests, which wait for it: ` +
          `${(error as Error).message}. Restart the broker`,
      );
      await this.#here.begin(run);
    }
  }

  async note(chunk: Uint8Array, baseOffset: number): Promise<Noted> {
    if (this.#isHere) return this.#here.note(chunk, baseOffset);
    const call = { method: "note", chunk, baseOffset } as const;
    return (await this.#ask(call, chunk)) as Noted;
  }

  async filter(chunk: Uint8Array, baseOffset: number): Promise<Filtered> {
    if (this.#isHere) return this.#here.filter(chunk, baseOffset);
    const call = { method: "filter", chunk, baseOffset } as const;
    return (await this.#ask(call, chunk)) as Filtered;
  }

  async finishFile(): Promise<Uint8Array> {
    if (this.#isHere) return this.#here.finishFile();
    return (await this.#ask({ method: "finishFile" })) as Uint8Array;
  }

  async end(): Promise<void> {
    if (this.#isHere) return this.#here.end();
    if (this.#thread === null) return;
    await this.#ask({ method: "end" });
    this.#idle = this.#timers.after(CLEANER_THREAD_IDLE_MS, () => this.close());
  }

  close(): void {
    this.#idle?.cancel();
    this.#thread?.end();
    this.#thread = null;
  }

  #start(): RunningThread {
    const module = import.meta.resolve("@tarpan/broker/internal/cleaner-thread");
    const thread: RunningThread = this.#threads.start(module, {
      onMessage: (message) => this.#answered(message as ThreadAnswer),
      onEnd: (reason) => this.#ended(thread, reason),
    });
    return thread;
  }

  #ask(call: ThreadCall, given?: Uint8Array): Promise<unknown> {
    const thread = this.#thread;
    if (thread === null) return Promise.reject(noThread("it has ended"));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      thread.post(call, given === undefined ? [] : [given.buffer as ArrayBuffer]);
    });
  }

  #answered(answer: ThreadAnswer): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if ("result" in answer) waiting?.resolve(answer.result);
    else waiting?.reject(new LogError(answer.error.kind ?? "offline", answer.error.message));
  }

  #ended(thread: RunningThread, reason: string): void {
    if (this.#thread !== thread) return;
    this.#thread = null;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(noThread(reason));
  }
}

function noThread(reason: string): LogError {
  return new LogError("offline", `the thread of compaction failed: ${reason}`);
}
