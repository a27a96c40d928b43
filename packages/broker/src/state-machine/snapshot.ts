import { MAX_DECISION_BATCH_BYTES, SNAPSHOT_SLICE_RECORDS } from "./limits.ts";
import { type EncodedRecord, type StateMachine, sizeOf } from "./state-machine.ts";

/**
 * The records of a snapshot, one slice at a time. If the state changes in place, a slice shows the
 * state at the time when the slice is taken.
 */
export class Snapshot<State, Rec> {
  readonly #machine: StateMachine<State, Rec>;
  readonly #units: Iterator<readonly Rec[]>;

  constructor(machine: StateMachine<State, Rec>, state: State) {
    this.#machine = machine;
    this.#units = machine.snapshot(state)[Symbol.iterator]();
  }

  /** The number of records of the next slice; null when there is none. */
  countNext(): number | null {
    let count = 0;
    while (count < SNAPSHOT_SLICE_RECORDS) {
      const unit = this.#units.next();
      if (unit.done) return count === 0 ? null : count;
      count += unit.value.length;
    }
    return count;
  }

  /** The next slice; null when there is none. A unit (StateMachine.snapshot) is never split. */
  next(): EncodedRecord[] | null {
    const slice: EncodedRecord[] = [];
    for (let bytes = 0; slice.length < SNAPSHOT_SLICE_RECORDS; ) {
      if (bytes >= MAX_DECISION_BATCH_BYTES) return slice;
      const unit = this.#units.next();
      if (unit.done) return slice.length === 0 ? null : slice;
      for (const record of unit.value) {
        const encoded = this.#machine.encode(record);
        bytes += sizeOf(encoded);
        slice.push(encoded);
      }
    }
    return slice;
  }
}
