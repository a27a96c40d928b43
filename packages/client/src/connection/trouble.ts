// What a client keeps trying is told to whoever asked for it (`onTrouble`): a retry is silent, and
// an outage would be too.
//
// 1. One story per client at a time, however many operations fail: it begins TROUBLE_AFTER_MS after
//    the first failure, is told again every TROUBLE_AGAIN_MS, and ends when the last of them works
//    again.
// 2. Operations that give up reject, which tells enough: no "recovered" follows.
import { TROUBLE_AFTER_MS, TROUBLE_AGAIN_MS } from "../limits.ts";

/** Something that has failed for two seconds and is tried again, or works again. */
export interface Trouble {
  readonly kind: "retrying" | "recovered";
  /** What is being tried, such as `sending to orders-0`. */
  readonly what: string;
  /** The last failure; null when it works again. */
  readonly error: Error | null;
  /** Time since the first failure, ms. */
  readonly sinceMs: number;
}

export type OnTrouble = (trouble: Trouble) => void;

export class Troubles {
  readonly #onTrouble: OnTrouble | undefined;
  /** Since when, in the order in which they began to fail. */
  readonly #failing = new Map<Operation, number>();
  /** Of any of them: one may be part of another, and know more. */
  #lastError!: Error;
  #timer: NodeJS.Timeout | undefined;
  #told: { readonly what: string; readonly since: number } | null = null;

  constructor(onTrouble: OnTrouble | undefined) {
    this.#onTrouble = onTrouble;
  }

  operation(what: string): Operation {
    return new Operation(this, what);
  }

  failed(operation: Operation, error: Error): void {
    if (this.#onTrouble === undefined) return;
    this.#lastError = error;
    if (!this.#failing.has(operation)) this.#failing.set(operation, performance.now());
    if (this.#timer === undefined) this.#tellIn(TROUBLE_AFTER_MS);
  }

  ended(operation: Operation, well: boolean): void {
    if (!this.#failing.delete(operation) || this.#failing.size > 0) return;
    const told = this.#told;
    this.close();
    if (told === null || !well) return;
    const sinceMs = performance.now() - told.since;
    this.#onTrouble?.({ kind: "recovered", what: told.what, error: null, sinceMs });
  }

  /** Tells nothing more of what fails now. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#failing.clear();
    this.#told = null;
  }

  #tellIn(ms: number): void {
    this.#timer = setTimeout(() => this.#tell(), ms).unref();
  }

  #tell(): void {
    this.#tellIn(TROUBLE_AGAIN_MS);
    const [longest] = this.#failing;
    const [{ what }, since] = longest!;
    const error = this.#lastError;
    this.#told ??= { what, since };
    this.#onTrouble?.({ kind: "retrying", what, error, sinceMs: performance.now() - since });
  }
}

/** What may be tried several times. Told of each failure, and whether another try follows. */
export class Operation {
  readonly what: string;
  readonly #troubles: Troubles;
  #failing = false;

  constructor(troubles: Troubles, what: string) {
    this.#troubles = troubles;
    this.what = what;
  }

  failed(error: Error, again: boolean): void {
    if (again) {
      this.#failing = true;
      this.#troubles.failed(this, error);
    } else this.#end(false);
  }

  worked(): void {
    this.#end(true);
  }

  #end(well: boolean): void {
    if (!this.#failing) return;
    this.#failing = false;
    this.#troubles.ended(this, well);
  }
}
