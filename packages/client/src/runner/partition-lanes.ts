// The records of one partition on their way through a run.
//
// 1. Each record that is admitted has a sequence number, in the order of offsets. `floor` is the
//    lowest that is not done, and its offset is what a commit commits: it never passes a gap.
// 2. The records of a key form a lane, linked through a ring, and only a lane's head may run. A
//    lane exists while it has records.
// 3. Records begin in the order of their offsets, except those that had to wait for their key:
//    their lane is `busy` until then. So one handler at a time keeps the partition's order.
// 4. Nothing is admitted `limit` records beyond the offset that the group has committed.
import type { TopicPartition } from "../connection/offsets.ts";
import type { Operation } from "../connection/trouble.ts";
import type { ConsumedRecord } from "../record.ts";
import type { Attempts } from "./attempts.ts";

/** Records of one key, of which one runs at a time. The hash is -1 without a key. */
export class Lane {
  readonly partition: PartitionLanes;
  hash: number;
  head: number;
  tail: number;
  /** It runs, waits for a retry, or is in the queue of lanes that may run. */
  busy = false;
  /** Handle so many records in batches of one: they were in a batch that has failed. */
  singles = 0;
  /** Reports that the head is being retried; null while it is not. */
  trouble: Operation | null = null;
  retryTimer: NodeJS.Timeout | undefined;
  /** The next lane in the queue of those that may run. */
  next: Lane | null = null;

  constructor(partition: PartitionLanes, hash: number, sequence: number) {
    this.partition = partition;
    this.hash = hash;
    this.head = sequence;
    this.tail = sequence;
  }
}

const NONE = -1;

export class PartitionLanes implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** By offset: records that have failed, or that ran when the process ended. */
  readonly attempts = new Map<number, Attempts>();
  readonly #limit: number;
  readonly #hashOf: (record: ConsumedRecord) => number;
  readonly #lanes = new Map<number, Lane>();
  /** Lanes to be used again: one would be made for each record else. */
  readonly #spare: Lane[] = [];
  #records: (ConsumedRecord | null)[] = new Array(64).fill(null);
  #links = new Float64Array(64);
  #laneOf: (Lane | null)[] = new Array(64).fill(null);
  #backlog: ConsumedRecord[] = [];
  #backlogAt = 0;
  #floor = 0;
  /** Admitted records from here on were not looked at by `nextLane`. */
  #unseen = 0;
  #end = 0;
  #committedFloor = 0;
  /** Lanes whose head has failed and is being retried. */
  readonly retrying = new Set<Lane>();
  /** Lanes that wait because too many records have failed. */
  held: Lane[] = [];
  /** What the group has committed last, as far as this run knows. */
  committedOffset = -1;
  /** The offset after the last record that was read. */
  position: number;
  /** Whether the group's offset says that a run is at work here: nothing starts before. */
  opened = false;
  /** Records with a lower sequence number may have ended the process before. */
  readonly carefulUntil: number;
  /** Handlers that run, and records that are being sent to another topic. */
  busy = 0;
  /** Given up: nothing more starts. */
  leaving = false;
  /** Nothing of it counts any more. */
  gone = false;
  paused = false;
  /** Whether it is in the queue of partitions with records to begin. */
  queued = false;

  constructor(
    at: TopicPartition,
    position: number,
    limit: number,
    careful: boolean,
    hashOf: (record: ConsumedRecord) => number,
  ) {
    this.topic = at.topic;
    this.partition = at.partition;
    this.position = position;
    this.#limit = limit;
    this.#hashOf = hashOf;
    this.carefulUntil = careful ? limit : 0;
  }

  /** Read but not admitted. */
  get waiting(): number {
    return this.#backlog.length - this.#backlogAt;
  }

  /** Where the next owner has to start. */
  get committable(): number {
    if (this.#floor < this.#end) return this.recordAt(this.#floor).offset;
    return this.#backlog[this.#backlogAt]?.offset ?? this.position;
  }

  get floor(): number {
    return this.#floor;
  }

  /** How many records are done that the group does not know of. */
  get uncommitted(): number {
    return this.#floor - this.#committedFloor;
  }

  /** Whether nothing that was read waits or runs. */
  get idle(): boolean {
    return this.#floor === this.#end && this.waiting === 0;
  }

  committed(floor: number, offset: number): void {
    this.#committedFloor = floor;
    this.committedOffset = offset;
  }

  recordAt(sequence: number): ConsumedRecord {
    return this.#records[sequence & (this.#records.length - 1)]!;
  }

  read(record: ConsumedRecord): void {
    this.#backlog.push(record);
  }

  /** Admits waiting records, up to the limit. */
  admit(): void {
    while (this.#backlogAt < this.#backlog.length) {
      if (this.#end - this.#committedFloor >= this.#limit) return;
      const record = this.#backlog[this.#backlogAt++]!;
      if (this.#end - this.#floor === this.#records.length) this.#grow();
      const sequence = this.#end++;
      const slot = sequence & (this.#records.length - 1);
      this.#records[slot] = record;
      this.#links[slot] = NONE;
      this.#laneOf[slot] = this.#laneFor(record, sequence);
    }
    this.#backlog = [];
    this.#backlogAt = 0;
  }

  /** Whether `nextLane` has records to look at. */
  get hasUnseen(): boolean {
    return this.#unseen < this.#end;
  }

  /** The next lane, in the order of offsets, whose head may run; null if there is none. */
  nextLane(): Lane | null {
    while (this.#unseen < this.#end) {
      const sequence = this.#unseen++;
      const lane = this.#laneOf[sequence & (this.#laneOf.length - 1)];
      if (lane === null || lane === undefined) continue;
      // Else `done` or a retry tells when it may.
      if (lane.head === sequence && !lane.busy) return lane;
    }
    return null;
  }

  /** The lane's first records, up to `count`. */
  headsOf(lane: Lane, count: number): ConsumedRecord[] {
    const records: ConsumedRecord[] = [];
    for (let at = lane.head; at !== NONE && records.length < count; at = this.#linkOf(at))
      records.push(this.recordAt(at));
    return records;
  }

  /**
   * The lane's first `count` records are done. Whether its next has to be put in the queue, because
   * `nextLane` has passed it.
   */
  done(lane: Lane, count: number): boolean {
    for (let index = 0; index < count; index++) {
      const sequence = lane.head;
      if (this.attempts.size > 0) this.attempts.delete(this.recordAt(sequence).offset);
      const slot = sequence & (this.#records.length - 1);
      this.#records[slot] = null;
      this.#laneOf[slot] = null;
      lane.head = this.#linkOf(sequence);
    }
    while (this.#floor < this.#end && this.recordAt(this.#floor) === null) this.#floor++;
    this.#unseen = Math.max(this.#unseen, this.#floor);
    lane.busy = false;
    // A batch may have run ahead.
    if (lane.head !== NONE) return lane.head < this.#unseen;
    if (lane.hash !== NONE) this.#lanes.delete(lane.hash);
    this.#spare.push(lane);
    return false;
  }

  #laneFor(record: ConsumedRecord, sequence: number): Lane {
    const hash = this.#hashOf(record);
    const lane = hash === NONE ? undefined : this.#lanes.get(hash);
    if (lane !== undefined) {
      this.#links[lane.tail & (this.#links.length - 1)] = sequence;
      lane.tail = sequence;
      return lane;
    }
    const added = this.#spare.pop() ?? new Lane(this, hash, sequence);
    added.hash = hash;
    added.head = added.tail = sequence;
    if (hash !== NONE) this.#lanes.set(hash, added);
    return added;
  }

  #linkOf(sequence: number): number {
    return this.#links[sequence & (this.#links.length - 1)]!;
  }

  #grow(): void {
    const size = this.#records.length;
    const [records, laneOf] = [new Array(size * 2).fill(null), new Array(size * 2).fill(null)];
    const links = new Float64Array(size * 2);
    for (let sequence = this.#floor; sequence < this.#end; sequence++) {
      const [from, to] = [sequence & (size - 1), sequence & (size * 2 - 1)];
      records[to] = this.#records[from];
      links[to] = this.#links[from]!;
      laneOf[to] = this.#laneOf[from];
    }
    this.#records = records;
    this.#links = links;
    this.#laneOf = laneOf;
  }
}
