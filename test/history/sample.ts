import { History } from "./history.ts";
import type { Key, OffsetAndValue } from "./operation.ts";

export const A: Key = "topic-0";
export const B: Key = "topic-1";
export const GROUP = "group";

/** Writes histories by hand: a tick passes with every event. */
export class Sample {
  readonly history: History;

  constructor() {
    let ticks = 0;
    this.history = new History(() => ticks++);
  }

  get operations() {
    return this.history.operations;
  }

  sent(process: number, key: Key, value: number, offset: number): this {
    this.history.invoke(process, "send", [{ key, value }]).ok([{ key, value, offset }]);
    return this;
  }

  failed(process: number, key: Key, value: number, how: "fail" | "info"): this {
    this.history.invoke(process, "send", [{ key, value }])[how]("a reason");
    return this;
  }

  polled(process: number, key: Key, ...records: readonly OffsetAndValue[]): this {
    return this.#poll(process, GROUP, key, records);
  }

  /** Asks for the end of a transaction with these records, and is answered. */
  transacted(
    process: number,
    how: "ok" | "fail" | "info",
    sent: readonly (readonly [key: Key, value: number, offset?: number])[],
    { id = `id-${process}`, read = [] as readonly OffsetAndValue[], next = -1 } = {},
  ): this {
    const value = {
      transactionalId: id,
      sent: sent.map(([key, value, offset]) => {
        return offset === undefined ? { key, value } : { key, value, offset };
      }),
      read: new Map(read.length === 0 ? [] : [[A, read]]),
      commit: next < 0 ? null : { group: GROUP, offsets: new Map([[A, next]]) },
    };
    const pending = this.history.invoke(process, "transaction", value);
    if (how === "ok") pending.ok();
    else pending[how]("a reason");
    return this;
  }

  /** The read of everything at the end, of one partition. */
  finally(process: number, key: Key, ...records: readonly OffsetAndValue[]): this {
    return this.#poll(process, null, key, records);
  }

  assigned(process: number, generation: number | null, ...keys: readonly Key[]): this {
    this.history.note(process, "assign", { group: GROUP, generation, keys });
    return this;
  }

  committed(process: number, key: Key, offset: number): this {
    this.history.note(process, "commit", { group: GROUP, offsets: new Map([[key, offset]]) });
    return this;
  }

  asked(process: number, key: Key, offset: number): this {
    this.history.note(process, "committed", { group: GROUP, offsets: new Map([[key, offset]]) });
    return this;
  }

  #poll(process: number, group: string | null, key: Key, records: readonly OffsetAndValue[]): this {
    this.history.note(process, "poll", { group, records: new Map([[key, records]]) });
    return this;
  }
}
