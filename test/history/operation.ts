/** One partition of one topic, as `topic-3`. */
export type Key = string;

/** A record as a reader saw it. Values are unique in a history, so that each tells who sent it. */
export type OffsetAndValue = readonly [offset: number, value: number];

export interface Sent {
  readonly key: Key;
  readonly value: number;
  /** Known once it was acknowledged. */
  readonly offset?: number;
}

export interface Polled {
  /** The group read for; null for the read of everything once the load has ended. */
  readonly group: string | null;
  readonly records: ReadonlyMap<Key, readonly OffsetAndValue[]>;
}

/** All that a member owns from now on. What it keeps it goes on reading where it was. */
export interface Assigned {
  readonly group: string;
  /** Null while the client does not tell. */
  readonly generation: number | null;
  readonly keys: readonly Key[];
}

/** Offsets of the next records to be read. */
export interface Offsets {
  readonly group: string;
  readonly offsets: ReadonlyMap<Key, number>;
}

/**
 * A transaction, when its end is asked for or its producer gives it up. `ok`: it is committed;
 * `fail`: it is not, and never will be; `info`: nobody knows.
 */
export interface Transacted {
  readonly transactionalId: string;
  readonly sent: readonly Sent[];
  /** What a consume-transform-produce took in before, from committed records only. */
  readonly read: ReadonlyMap<Key, readonly OffsetAndValue[]>;
  /** The offsets that are committed with it; null when there are none. */
  readonly commit: Offsets | null;
}

interface Values {
  send: readonly Sent[];
  transaction: Transacted;
  poll: Polled;
  assign: Assigned;
  /** By a member. */
  commit: Offsets;
  /** What the coordinator answers to somebody who asks. */
  committed: Offsets;
}

export type Verb = keyof Values;
export type ValueOf<F extends Verb> = Values[F];

/** `info`: it may have taken effect, may still, or never will. */
export type OperationType = "invoke" | "ok" | "fail" | "info";

/** An event of a history: that something was asked for, or how that ended. */
export type Operation = {
  [F in Verb]: {
    readonly index: number;
    readonly type: OperationType;
    /** One thing after another: a process has at most one invocation that has not ended. */
    readonly process: number;
    /** Since the history began. */
    readonly timeNs: number;
    readonly f: F;
    readonly value: Values[F];
    readonly error?: string;
  };
}[Verb];

export type OperationOf<F extends Verb> = Extract<Operation, { f: F }>;

export const keyOf = (topic: string, partition: number): Key => `${topic}-${partition}`;

/** The operations of one function that ended in one of these ways. */
export function ended<F extends Verb>(
  operations: readonly Operation[],
  f: F,
  ...types: readonly OperationType[]
): OperationOf<F>[] {
  const isSuch = (each: Operation): each is OperationOf<F> =>
    each.f === f && types.includes(each.type);
  return operations.filter(isSuch);
}
