import { decodeBatches, encodeBatch } from "@tarpan/protocol";
import type { Log } from "../log/log.ts";
import { REPLAY_READ_BYTES } from "./limits.ts";
import type { EncodedRecord, StateMachine } from "./replayed.ts";

export interface ReplayProgress {
  readonly records: number;
  readonly ofRecords: number;
}

/**
 * Reads the whole log into a state, a few MiB at a time. There is no other source: a snapshot is
 * records of the same log, so the first record a trim has left is where the state begins.
 */
export async function replay<State, Rec>(
  machine: StateMachine<State, Rec>,
  log: Log,
  onProgress: (progress: ReplayProgress) => void = () => {},
): Promise<State> {
  const start = log.startOffset;
  const end = log.endOffset;
  let state = machine.initial;
  for (let offset = start; offset < end; ) {
    const records: Rec[] = [];
    for (const batch of decodeBatches(await log.read(offset, REPLAY_READ_BYTES))) {
      if (!batch.header.isControl) {
        for (const record of batch.records()) records.push(machine.decode(record));
      }
      offset = batch.header.lastOffset + 1;
    }
    state = machine.apply(state, records);
    onProgress({ records: offset - start, ofRecords: end - start });
  }
  return state;
}

/** Appends `records` as one batch: after a crash all of them are there, or none. */
export function appendRecords(
  log: Log,
  leaderEpoch: number,
  timestamp: number,
  records: readonly EncodedRecord[],
): Promise<number> {
  const batch = encodeBatch(records.map(({ key, value }) => ({ key, value, timestamp })));
  return log.append(batch, leaderEpoch);
}
