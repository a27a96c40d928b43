import { decodeBatches, encodeBatch } from "@tarpan/protocol";
import type { Log, ReadableLog } from "../log/log.ts";
import { REPLAY_READ_BYTES } from "./limits.ts";
import type { EncodedRecord, StateMachine } from "./state-machine.ts";

export interface ReplayProgress {
  /** Next record to be read. */
  readonly offset: number;
  readonly endOffset: number;
}

/**
 * Reads the whole log into a state, a few MiB at a time; `onProgress` hears of it when one read was
 * not enough. There is no other source: a snapshot is records of the same log, so the first record
 * a trim has left is where the state begins.
 */
export async function replay<State, Rec>(
  machine: StateMachine<State, Rec>,
  log: ReadableLog,
  onProgress: (progress: ReplayProgress) => void = () => {},
): Promise<State> {
  const from = { state: machine.initial, offset: log.startOffset };
  return (await replayFrom(machine, log, from, onProgress)).state;
}

/**
 * Continues from a state that holds everything below `offset`, up to the current end of the log.
 */
export async function replayFrom<State, Rec>(
  machine: StateMachine<State, Rec>,
  log: ReadableLog,
  from: Replay<State>,
  onProgress: (progress: ReplayProgress) => void = () => {},
): Promise<Replay<State>> {
  const end = log.endOffset;
  let { state, offset } = from;
  while (offset < end) {
    const records: Rec[] = [];
    for (const batch of decodeBatches(await log.read(offset, REPLAY_READ_BYTES))) {
      if (!batch.header.isControl) {
        for (const record of batch.records()) {
          const decoded = machine.decode(record);
          if (decoded !== null) records.push(decoded);
        }
      }
      offset = batch.header.lastOffset + 1;
    }
    state = machine.apply(state, records);
    if (offset < end) onProgress({ offset, endOffset: end });
  }
  return { state, offset };
}

export interface Replay<State> {
  readonly state: State;
  /** Next record to be read. */
  readonly offset: number;
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
