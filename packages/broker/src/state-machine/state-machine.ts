/** A record as the log stores it. */
export interface EncodedRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/**
 * The functions of a replayed state. A state is a value, unless `changesInPlace` is set: `apply`
 * returns a new state and does not change the old one, so that a decision can be undone by dropping
 * the new one.
 */
export interface StateMachine<State, Rec> {
  readonly initial: State;
  /** The only way to change the state, live and on replay. Throws on an unknown record. */
  apply(state: State, records: readonly Rec[]): State;
  /**
   * Records from which `apply` rebuilds `state`. Applied to `state` itself they must change
   * nothing. They come in units, each created when it is read. A state that changes in place may
   * change between two units, so records that are only valid together must be in one unit.
   */
  snapshot(state: State): Iterable<readonly Rec[]>;
  encode(record: Rec): EncodedRecord;
  /** Null for a record of another version, which this version skips. */
  decode(record: EncodedRecord): Rec | null;
  /**
   * `apply` changes the given state and returns it. Such a change cannot be undone, so any failed
   * append takes the machine offline.
   */
  readonly changesInPlace?: boolean;
}

export function sizeOf({ key, value }: EncodedRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0);
}
