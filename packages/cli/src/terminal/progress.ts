import type { Io } from "./io.ts";

const FIRST_AFTER_MS = 1_000;
const TERMINAL_EVERY_MS = 500;
const LOG_EVERY_MS = 10_000;

/** Shows progress on stderr: on a terminal one line that changes, elsewhere a line now and then. */
export class Progress {
  readonly #stderr: Io["stderr"];
  readonly #doing: string;
  readonly #startedAt = performance.now();
  #nextAt: number;
  #shown = false;

  /** `doing` completes "1,000 records …". */
  constructor(stderr: Io["stderr"], doing: string) {
    this.#stderr = stderr;
    this.#doing = doing;
    this.#nextAt = this.#startedAt + (stderr.isTTY ? FIRST_AFTER_MS : LOG_EVERY_MS);
  }

  reached(count: number): void {
    const now = performance.now();
    if (now < this.#nextAt) return;
    this.#nextAt = now + (this.#stderr.isTTY ? TERMINAL_EVERY_MS : LOG_EVERY_MS);
    this.#shown = true;
    const perSecond = Math.round((count / (now - this.#startedAt)) * 1000);
    const line = `${counted(count, "record")} ${this.#doing}, ${grouped(perSecond)} a second`;
    this.#stderr.write(this.#stderr.isTTY ? `\r${line}\x1b[K` : `${line}\n`);
  }

  /** Removes the line from the terminal. */
  end(): void {
    if (this.#shown && this.#stderr.isTTY) this.#stderr.write("\r\x1b[K");
  }
}

export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function grouped(number: number): string {
  return number.toLocaleString("en-US");
}
