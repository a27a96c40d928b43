/** A record as the log stores it. */
export interface EncodedRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/**
 * What a replayed state is made of. A state is a value, unless `changesInPlace` is set: `apply`
 * returns another one and leaves the one it was given as it was, so that a decision can be taken
 * back by forgetting its result.
 */
export interface StateMachine<State, Rec> {
  readonly initial: State;
  /** The only writer of state, the same live and on replay. Throws on an unknown record. */
  apply(state: State, records: readonly Rec[]): State;
  /**
   * Records that make `state` again. Applying them to `state` itself must change nothing. They come
   * in units, each made when it is asked for: a state that changes in place may change in between,
   * and a unit must hold together what one record alone would say wrongly then.
   */
  snapshot(state: State): Iterable<readonly Rec[]>;
  encode(record: Rec): EncodedRecord;
  /** Null for a record of another version, which this version skips. */
  decode(record: EncodedRecord): Rec | null;
  /**
   * `apply` changes the state it is given and returns it. Such a state can't be taken back, so
   * any failed append takes the machine offline.
   */
  readonly changesInPlace?: boolean;
}

export function sizeOf({ key, value }: EncodedRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0);
}
