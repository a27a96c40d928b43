import type { EncodedRecord } from "../state-machine/state-machine.ts";
import type { Keyed } from "./deadlines.ts";
import type { Turn } from "./turn.ts";

/**
 * What a coordinator is made of: its hard state is what the records of one partition say, and
 * beside it lies soft state, which may vanish at any time.
 */
export interface CoordinatorMachine<State, Rec, Timer extends Keyed> {
  /** The state before anything is recorded. */
  initial(): State;
  /** The only writer of hard state: live, on replay, and on a broker that takes over. */
  apply(state: State, record: Rec): void;
  /** Records that make the hard state again, in units: see StateMachine. */
  snapshot(state: State): Iterable<readonly Rec[]>;
  encode(record: Rec): EncodedRecord;
  /** Null for a record that another version may know and this one passes over. */
  decode(record: EncodedRecord): Rec | null;

  /** The first turn after a replay: arms the deadlines, catches up with the metadata. */
  loaded(turn: Turn<State, Rec, Timer>): void;
  /** A deadline is due. What it is about may have changed or gone since it was set. */
  fired(turn: Turn<State, Rec, Timer>, timer: Timer): void;
  topicsChanged(turn: Turn<State, Rec, Timer>, change: TopicsChange): void;
}

/** Names of the topics that a change of the metadata is about. */
export interface TopicsChange {
  /** No more there, or there anew under another id. */
  readonly deleted: readonly string[];
  /** Came, grew, or changed otherwise; those that are there anew among them. */
  readonly changed: readonly string[];
}
