import type { Io } from "./io.ts";
import { columns } from "./table.ts";

type Cell = string | number;

/** What a command finds or does, printed as text, or as a JSON array with `-o json`. */
export class Output {
  readonly #io: Io;
  readonly isJson: boolean;
  readonly #found: unknown[] = [];

  constructor(isJson: boolean, io: Io) {
    this.isJson = isJson;
    this.#io = io;
  }

  /** One more result. Text is printed at once. */
  add(json: unknown, text: string): void {
    if (this.isJson) this.#found.push(json);
    else this.#io.stdout.write(text);
  }

  /** Results as a table; `none` is said on standard error if there are none. */
  table(
    found: readonly unknown[],
    headings: readonly string[] | null,
    rows: readonly (readonly Cell[])[],
    none: string,
  ): void {
    if (this.isJson) this.#found.push(...found);
    else if (rows.length === 0) this.note(none);
    else {
      const texts = rows.map((row) => row.map(String));
      this.#io.stdout.write(columns(headings === null ? texts : [headings, ...texts]));
    }
  }

  /** What JSON need not say. */
  text(text: string): void {
    if (!this.isJson) this.#io.stdout.write(text);
  }

  /** The only result, which is no array in JSON. */
  only(json: unknown, text: string): void {
    if (this.isJson) this.#write(json);
    else this.#io.stdout.write(text);
  }

  /** A hint on standard error, where it does not disturb the results. */
  note(text: string): void {
    this.#io.stderr.write(`${text}\n`);
  }

  /** Runs `work`, then prints the array: if it fails, only what was done before, if anything. */
  async around(work: () => Promise<unknown>): Promise<void> {
    let failed = true;
    try {
      await work();
      failed = false;
    } finally {
      if (this.isJson && !(failed && this.#found.length === 0)) this.#write(this.#found);
    }
  }

  #write(value: unknown): void {
    this.#io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  }
}
