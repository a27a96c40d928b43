import type { Operation, OperationType, ValueOf, Verb } from "./operation.ts";

/** Ends an invocation, once. `value` tells what came of it where that is more than was asked. */
export interface Pending<F extends Verb> {
  ok(value?: ValueOf<F>): void;
  /** It certainly had no effect. */
  fail(error: string): void;
  /** Nobody can say whether it had an effect. */
  info(error: string): void;
}

/** Records what concurrent processes do, in the order in which it happened. */
export class History {
  readonly operations: Operation[] = [];
  readonly #nowNs: () => number;
  readonly #pending = new Set<number>();
  #processes = 0;
  #values = 0;

  constructor(nowNs: () => number = monotonicNs()) {
    this.#nowNs = nowNs;
  }

  newProcess(): number {
    return this.#processes++;
  }

  /** A value that no other record has. */
  newValue(): number {
    return this.#values++;
  }

  invoke<F extends Verb>(process: number, f: F, value: ValueOf<F>): Pending<F> {
    if (this.#pending.has(process)) throw new Error(`process ${process} does two things at once`);
    this.#pending.add(process);
    this.#add("invoke", process, f, value);
    const end = (type: OperationType, result: ValueOf<F>, error?: string) => {
      if (!this.#pending.delete(process)) throw new Error(`process ${process} has ended this`);
      this.#add(type, process, f, result, error);
    };
    return {
      ok: (result = value) => end("ok", result),
      fail: (error) => end("fail", value, error),
      info: (error) => end("info", value, error),
    };
  }

  /** Something that was done in no time. */
  note<F extends Verb>(process: number, f: F, value: ValueOf<F>): void {
    this.invoke(process, f, value).ok();
  }

  #add<F extends Verb>(
    type: OperationType,
    process: number,
    f: F,
    value: ValueOf<F>,
    error?: string,
  ): void {
    const index = this.operations.length;
    const timeNs = this.#nowNs();
    const said = error === undefined ? {} : { error };
    this.operations.push({ index, type, process, timeNs, f, value, ...said } as Operation);
  }
}

function monotonicNs(): () => number {
  const begin = process.hrtime.bigint();
  return () => Number(process.hrtime.bigint() - begin);
}
