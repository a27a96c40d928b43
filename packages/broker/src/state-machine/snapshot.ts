import { MAX_DECISION_BATCH_BYTES, SNAPSHOT_SLICE_RECORDS } from "./limits.ts";
import { type EncodedRecord, type StateMachine, sizeOf } from "./state-machine.ts";

/**
 * The records that make a state again, a slice at a time. Of a state that changes in place each
 * slice is as the state is when the slice is taken.
 */
export class Snapshot<State, Rec> {
  readonly #machine: StateMachine<State, Rec>;
  readonly #units: Iterator<readonly Rec[]>;

  constructor(machine: StateMachine<State, Rec>, state: State) {
    this.#machine = machine;
    this.#units = machine.snapshot(state)[Symbol.iterator]();
  }

  /** How many records the next slice has; null when there is none. */
  countNext(): number | null {
    let count = 0;
    while (count < SNAPSHOT_SLICE_RECORDS) {
      const unit = this.#units.next();
      if (unit.done) return count === 0 ? null : count;
      count += unit.value.length;
    }
    return count;
  }

  /** The next slice; null when there is none. What belongs together is never split. */
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
