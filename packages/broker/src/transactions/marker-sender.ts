import {
  ErrorCode,
  errorOf,
  type RequestOf,
  type ResponseInput,
  type WriteTxnMarkers,
} from "@tarpan/protocol";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import type { MetadataImage } from "../metadata/image.ts";
import { Batches } from "../util/batches.ts";
import { Latch, type PendingLatch } from "../util/latch.ts";
import { pause } from "../util/pause.ts";
import { MARKER_RETRY_MS, MARKER_WARNING_MS, TRANSACTIONS_PER_REQUEST } from "./limits.ts";
import type { Ending } from "./model/ending.ts";

type Marker = RequestOf<typeof WriteTxnMarkers>["markers"][number];
type MarkerResult = ResponseInput<typeof WriteTxnMarkers>["markers"][number];

/** Writes markers to the partitions that a broker leads. Rejects if the broker can't be asked. */
export type WriteMarkers = (
  brokerId: number,
  markers: readonly Marker[],
) => Promise<readonly MarkerResult[]>;

interface Parts {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly logger: Logger;
  readonly image: () => MetadataImage;
  readonly write: WriteMarkers;
  /** Whether this broker coordinates the transactional id, still in this leader epoch. */
  readonly isCoordinator: (transactionalId: string, coordinatorEpoch: number) => boolean;
  /**
   * Records that all partitions have their markers: decided when this returns, durable when it
   * resolves. Resolves to false if it can't now.
   */
  readonly complete: (ending: Ending) => Promise<boolean>;
}

interface Run {
  readonly ending: Ending;
  over: Latch;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
}

/**
 * Writes the markers of transactions whose end is decided, to every partition that they hold, and
 * repeats that until each has its marker or this broker is no longer their coordinator.
 *
 * There is one run for a transactional id: an earlier one, from before its shard was loaded anew,
 * asks no further. What it asked reaches each broker before what its successor asks.
 */
export class MarkerSender {
  readonly #parts: Parts;
  readonly #running = new Map<string, Run>();
  readonly #byBroker = new Map<number, Batches<Marker, MarkerResult>>();
  readonly #closing = new AbortController();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Transactions that wait for markers. */
  get count(): number {
    return this.#running.size;
  }

  end(ending: Ending): void {
    const { transactionalId } = ending.transaction;
    const over = unopened(this.#running.get(transactionalId)?.over);
    const run: Run = { ending, over };
    this.#running.set(transactionalId, run);
    void this.#run(run).finally(() => {
      if (!this.#isCurrent(ending)) return;
      this.#running.delete(transactionalId);
      run.over.open();
    });
  }

  /**
   * Over when the end of this transactional id's transaction is decided to be complete: what is
   * decided after that is recorded with it, or after it. Null if no end is under way.
   */
  endOf(transactionalId: string): PendingLatch | null {
    return this.#running.get(transactionalId)?.over ?? null;
  }

  close(): void {
    this.#closing.abort();
    for (const { over } of this.#running.values()) over.open();
    this.#running.clear();
  }

  #isCurrent(ending: Ending): boolean {
    return this.#running.get(ending.transaction.transactionalId)?.ending === ending;
  }

  async #run(run: Run): Promise<void> {
    const { ending } = run;
    const { env } = this.#parts;
    const startedMs = env.clock.monotonicMs();
    let left = placesOf(ending.transaction.partitions);
    let retryMs: number = MARKER_RETRY_MS.first;
    let toldMs = startedMs;
    while (this.#isWanted(ending)) {
      const failed = await this.#write(ending, left);
      left = failed.map(({ place }) => place);
      if (left.length === 0 && (!this.#isCurrent(ending) || (await this.#complete(run)))) return;
      const nowMs = env.clock.monotonicMs();
      if (failed.length > 0 && nowMs - toldMs >= MARKER_WARNING_MS) {
        toldMs = nowMs;
        this.#warn(ending, failed, nowMs - startedMs);
      }
      await pause(env.timers, retryMs, this.#closing.signal).catch(() => {});
      retryMs = Math.min(2 * retryMs, MARKER_RETRY_MS.longest);
    }
  }

  /** Those who wait go on at once: their records are written together with this one. */
  async #complete(run: Run): Promise<boolean> {
    const completing = this.#parts.complete(run.ending);
    run.over.open();
    const isComplete = await completing;
    if (!isComplete) run.over = unopened(run.over);
    return isComplete;
  }

  #isWanted(ending: Ending): boolean {
    const { transactionalId } = ending.transaction;
    return (
      this.#isCurrent(ending) && this.#parts.isCoordinator(transactionalId, ending.coordinatorEpoch)
    );
  }

  /** Resolves to the partitions that have no marker yet, and why. */
  async #write(ending: Ending, places: readonly Place[]): Promise<Failure[]> {
    const failures: Failure[] = [];
    const byLeader = new Map<number, Place[]>();
    const { topics } = this.#parts.image();
    for (const place of places) {
      const leader = topics.get(place.topic)?.partitions[place.partition]?.leader;
      // It was deleted, and its records with it.
      if (leader === undefined) continue;
      if (leader < 0) failures.push({ place, errorCode: ErrorCode.LEADER_NOT_AVAILABLE });
      else addTo(byLeader, leader, place);
    }
    const asked = [...byLeader].map(([leader, own]) => this.#writeOn(leader, ending, own));
    failures.push(...(await Promise.all(asked)).flat());
    return failures;
  }

  async #writeOn(leader: number, ending: Ending, places: readonly Place[]): Promise<Failure[]> {
    let result: MarkerResult;
    try {
      result = await this.#batchesOf(leader).add(markerOf(ending, places));
    } catch {
      return places.map((place) => ({ place, errorCode: ErrorCode.NETWORK_EXCEPTION }));
    }
    const codes = new Map<string, ErrorCode>();
    for (const { name, partitions } of result.topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        codes.set(`${name}-${partitionIndex}`, errorCode as ErrorCode);
      }
    }
    return places.flatMap((place) => {
      const key = `${place.topic}-${place.partition}`;
      const errorCode = codes.get(key) ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      return isOver(errorCode) ? [] : [{ place, errorCode }];
    });
  }

  #batchesOf(brokerId: number): Batches<Marker, MarkerResult> {
    let batches = this.#byBroker.get(brokerId);
    if (batches === undefined) {
      const { write } = this.#parts;
      batches = new Batches((markers) => write(brokerId, markers), TRANSACTIONS_PER_REQUEST);
      this.#byBroker.set(brokerId, batches);
    }
    return batches;
  }

  #warn({ transaction }: Ending, failed: readonly Failure[], sinceMs: number): void {
    const { place, errorCode } = failed[0]!;
    const { transactionalId, producerId } = transaction;
    this.#parts.logger.warn(
      `the end of a transaction can't be written to ${place.topic}-${place.partition} and ` +
        `${failed.length - 1} other partitions for ${Math.round(sinceMs / 1000)} s: ` +
        `${errorOf(errorCode).message}. Readers of committed records wait there. It is tried ` +
        "again until these partitions have a leader that can write",
      { transactionalId, producerId },
    );
  }
}

/** The same latch, unless it is missing or open. */
function unopened(latch: Latch | undefined): Latch {
  return latch?.isOpen === false ? latch : new Latch();
}

interface Failure {
  readonly place: Place;
  readonly errorCode: ErrorCode;
}

/**
 * With INVALID_PRODUCER_EPOCH a newer epoch of the producer has written there, so this transaction
 * is over in that partition.
 */
function isOver(errorCode: ErrorCode): boolean {
  return errorCode === ErrorCode.NONE || errorCode === ErrorCode.INVALID_PRODUCER_EPOCH;
}

function markerOf({ transaction, coordinatorEpoch }: Ending, places: readonly Place[]): Marker {
  const byTopic = new Map<string, number[]>();
  for (const { topic, partition } of places) addTo(byTopic, topic, partition);
  return {
    producerId: transaction.producerId,
    producerEpoch: transaction.producerEpoch,
    transactionResult: transaction.state === "PrepareCommit",
    topics: [...byTopic].map(([name, partitionIndexes]) => ({ name, partitionIndexes })),
    coordinatorEpoch,
    transactionVersion: transaction.clientVersion,
  };
}

function addTo<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function placesOf(partitions: Ending["transaction"]["partitions"]): Place[] {
  return partitions.flatMap(({ topic, partitionIds }) => {
    return partitionIds.map((partition) => ({ topic, partition }));
  });
}
