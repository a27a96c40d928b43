import type { EncodedRecord } from "../state-machine/state-machine.ts";
import type { Keyed } from "./deadlines.ts";
import type { TopicsChange } from "./topics-change.ts";
import type { Turn } from "./turn.ts";

/**
 * What a coordinator consists of. Its hard state follows from the records of one partition; its
 * soft state may be lost at any time.
 */
export interface CoordinatorMachine<State, Rec, Timer extends Keyed> {
  /** The state before anything is recorded. */
  initial(): State;
  /** The only writer of hard state: while live, on a replay, and on a broker that takes over. */
  apply(state: State, record: Rec): void;
  /** Records that restore the hard state, in units: see StateMachine. */
  snapshot(state: State): Iterable<readonly Rec[]>;
  encode(record: Rec): EncodedRecord;
  /** Null for a record of another version, which this version skips. */
  decode(record: EncodedRecord): Rec | null;

  /** The first turn after a replay: arms the deadlines, applies changes of the metadata. */
  loaded(turn: Turn<State, Rec, Timer>): void;
  /** A deadline is due. The state that it was set for may have changed since. */
  fired(turn: Turn<State, Rec, Timer>, timer: Timer): void;
  topicsChanged(turn: Turn<State, Rec, Timer>, change: TopicsChange): void;
}
