import type { CoordinatorMachine } from "../../src/coordinator/machine.ts";
import type { Operation, Turn } from "../../src/coordinator/turn.ts";

/**
 * The smallest possible coordinator: read it before you write another one. Clients add to counters;
 * a counter that gets no addition for an hour is deleted.
 */
export class CounterState {
  /** Hard state: only `apply` changes it. */
  readonly counts = new Map<string, number>();
  /** Soft state: replies that wait for the next addition. A crash loses them; clients ask again. */
  readonly waiting = new Map<string, ((count: number) => void)[]>();
}

/** A counter's new value; null is a tombstone. */
export interface CounterRecord {
  readonly name: string;
  readonly count: number | null;
}

/** A timer is data: its kind, the fields it needs, and a key that identifies its deadline. */
export interface CounterTimer {
  readonly kind: "forget";
  readonly name: string;
  readonly key: string;
}

type CounterTurn = Turn<CounterState, CounterRecord, CounterTimer>;
type CounterOperation<T> = Operation<CounterState, CounterRecord, CounterTimer, T>;

export const FORGET_AFTER_MS = 3_600_000;

export const counterMachine: CoordinatorMachine<CounterState, CounterRecord, CounterTimer> = {
  initial: () => new CounterState(),
  apply({ counts }, { name, count }) {
    if (count === null) counts.delete(name);
    else counts.set(name, count);
  },
  snapshot: ({ counts }) => Array.from(counts, ([name, count]) => [{ name, count }]),
  encode: ({ name, count }) => ({
    key: new TextEncoder().encode(name),
    value: count === null ? null : new TextEncoder().encode(String(count)),
  }),
  decode: ({ key, value }) => ({
    name: new TextDecoder().decode(key!),
    count: value === null ? null : Number(new TextDecoder().decode(value)),
  }),
  loaded(turn) {
    for (const name of turn.state.counts.keys()) keep(turn, name);
  },
  fired: (turn, { name }) => turn.append({ name, count: null }),
  topicsChanged(turn, { deleted }) {
    for (const name of deleted) if (turn.state.counts.has(name)) turn.append({ name, count: null });
  },
};

function keep(turn: CounterTurn, name: string): void {
  turn.arm({ kind: "forget", name, key: `forget/${name}` }, FORGET_AFTER_MS);
}

/** An operation appends records, and replies with what is true once they are applied. */
export function add(name: string, by: number): CounterOperation<number> {
  return (turn, reply) => {
    const { counts, waiting } = turn.state;
    const count = (counts.get(name) ?? 0) + by;
    turn.append({ name, count });
    keep(turn, name);
    turn.reply(reply, count);
    for (const waits of waiting.get(name)?.splice(0) ?? []) turn.reply(waits, count);
  };
}

/** An operation that can't answer yet keeps its reply for a later turn. */
export function nextOf(name: string): CounterOperation<number> {
  return ({ state: { waiting } }, reply) => {
    waiting.set(name, [...(waiting.get(name) ?? []), reply]);
  };
}
