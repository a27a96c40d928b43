import type { CoordinatorMachine } from "../../src/coordinator/machine.ts";
import type { Operation, Turn } from "../../src/coordinator/turn.ts";

/**
 * The smallest coordinator there can be, and the page to read before writing another: counters
 * that anybody may add to, and that are forgotten when nobody has for an hour.
 */
export class CounterState {
  /** Hard state: changed by `apply` alone. */
  readonly counts = new Map<string, number>();
  /** Soft state: who waits for a counter to reach what. Gone with a crash, and they ask again. */
  readonly waiting = new Map<string, ((count: number) => void)[]>();
}

/** What happened to one counter; null is a tombstone. */
export interface CounterRecord {
  readonly name: string;
  readonly count: number | null;
}

/** A deadline is data: what it is about, and a key that tells it from all others. */
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

/** An operation decides: it records what is to be, and answers what will be true then. */
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

/** One that has nothing to answer yet keeps its reply for a later turn. */
export function nextOf(name: string): CounterOperation<number> {
  return ({ state: { waiting } }, reply) => {
    waiting.set(name, [...(waiting.get(name) ?? []), reply]);
  };
}
