import type { Decision } from "../../src/state-machine/replayed-state.ts";
import type { StateMachine } from "../../src/state-machine/state-machine.ts";

/** Named counters: the smallest state that has upserts and deletions. */
export type Counters = ReadonlyMap<string, number>;

export interface CounterRecord {
  readonly name: string;
  /** Null removes the counter. */
  readonly value: number | null;
}

export const counterMachine: StateMachine<Counters, CounterRecord> = {
  initial: new Map(),
  apply(state, records) {
    const next = new Map(state);
    for (const { name, value } of records) {
      if (value === null) next.delete(name);
      else next.set(name, value);
    }
    return next;
  },
  snapshot: (state) => [...state].map(([name, value]) => [{ name, value }]),
  encode: ({ name, value }) => ({
    key: new TextEncoder().encode(name),
    value: value === null ? null : new TextEncoder().encode(String(value)),
  }),
  decode: ({ key, value }) => ({
    name: new TextDecoder().decode(key!),
    value: value === null ? null : Number(new TextDecoder().decode(value)),
  }),
};

/** The same with a map that changes in place. */
export const countersInPlace = (): StateMachine<Map<string, number>, CounterRecord> => ({
  ...counterMachine,
  changesInPlace: true,
  initial: new Map(),
  apply(state, records) {
    for (const { name, value } of records) {
      if (value === null) state.delete(name);
      else state.set(name, value);
    }
    return state;
  },
  *snapshot(state) {
    for (const [name, value] of state) yield [{ name, value }];
  },
});

/** Adds one, and replies with the new value. */
export function increment(name: string) {
  return (state: Counters): Decision<CounterRecord, number> => {
    const value = (state.get(name) ?? 0) + 1;
    return { records: [{ name, value }], response: value };
  };
}

export function remove(name: string) {
  return (): Decision<CounterRecord, void> => {
    return { records: [{ name, value: null }], response: undefined };
  };
}

export function look(name: string) {
  return (state: Counters): Decision<CounterRecord, number> => {
    return { records: [], response: state.get(name) ?? 0 };
  };
}
