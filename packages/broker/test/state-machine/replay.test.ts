import { expect, it } from "vitest";
import { MemoryEngine } from "../../src/log/memory.ts";
import { METADATA_LOG } from "../../src/metadata/metadata-log.ts";
import { REPLAY_SLICE_RECORDS } from "../../src/state-machine/limits.ts";
import { appendRecords, replay, replayFrom } from "../../src/state-machine/replay.ts";
import { testEnv } from "../env/test-env.ts";
import { LOG_OPTIONS } from "../metadata/support.ts";
import { type CounterRecord, countersInPlace } from "./counters.ts";

const BATCH = 300;
const BATCHES = 9;

it("applies whole batches, so many records in a turn, and gives the loop a turn between", async () => {
  const log = await logOfBatches();
  const { machine, steps } = recorded();
  const nextTurn = async () => void steps.push("turn");
  const state = await replay(machine, log, { nextTurn });
  const slice = Math.ceil(REPLAY_SLICE_RECORDS / BATCH) * BATCH;
  expect(steps).toEqual([slice, "turn", slice, "turn", BATCH * BATCHES - 2 * slice]);
  expect(state.size).toBe(BATCH * BATCHES);
});

it("waits for no turn where one slice is enough, and goes on where it was", async () => {
  const log = await logOfBatches();
  const { machine, steps } = recorded();
  const nextTurn = async () => void steps.push("turn");
  const offset = log.endOffset - 2 * BATCH;
  const from = { state: new Map([["before", 1]]), offset };
  const read = await replayFrom(machine, log, from, { nextTurn });
  expect(steps).toEqual([2 * BATCH]);
  expect([read.offset, read.state.size]).toEqual([log.endOffset, 2 * BATCH + 1]);
});

/** Notes how many records each call of `apply` was given. */
function recorded() {
  const steps: (number | string)[] = [];
  const counters = countersInPlace();
  const machine = {
    ...counters,
    apply(state: Map<string, number>, records: readonly CounterRecord[]) {
      steps.push(records.length);
      return counters.apply(state, records);
    },
  };
  return { machine, steps };
}

async function logOfBatches() {
  const log = await new MemoryEngine(testEnv()).create(METADATA_LOG, LOG_OPTIONS);
  for (let batch = 0; batch < BATCHES; batch++) {
    const records = Array.from({ length: BATCH }, (_, at) => {
      return countersInPlace().encode({ name: `${batch}-${at}`, value: at });
    });
    await appendRecords(log, 0, 1, records);
  }
  return log;
}
