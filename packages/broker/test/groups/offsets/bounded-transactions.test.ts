import { expect, it } from "vitest";
import {
  commitPendingOffsets,
  commitVerified,
} from "../../../src/groups/operations/commit-pending-offsets.ts";
import { endGroupTransaction } from "../../../src/groups/operations/end-transaction.ts";
import { SNAPSHOT_MIN_RECORDS } from "../../../src/state-machine/limits.ts";
import { offsetsLog } from "./offsets-log.ts";
import { type Offset, recorded, requestOf } from "./transaction-world.ts";

const PRODUCERS = 10;
const PARTITIONS = 100;
const ROUNDS = 40;
const VERSION = 5;

it("snapshots keep the log of transactions short, and lose none that is open meanwhile", async () => {
  const { log, load } = await offsetsLog();
  let shard = await load();

  const commit = async (producerId: number, round: number) => {
    const offsets = Array.from({ length: PARTITIONS }, (_, i): Offset => ["t", i, round]);
    const request = requestOf(`g${producerId}`, offsets, { producerId, producerEpoch: round });
    const first = await shard.run(commitPendingOffsets(request, VERSION));
    if ("unverified" in first) {
      await shard.run(commitVerified(request, VERSION, first.unverified));
    }
  };
  const end = (producerId: number, round: number) => {
    const marker = { producerId, producerEpoch: round + 1, coordinatorEpoch: 0, timestamp: round };
    const isCommit = round % 5 !== 0;
    return shard.run(endGroupTransaction({ ...marker, isCommit, bumpsEpoch: true }));
  };
  const ids = Array.from({ length: PRODUCERS }, (_, i) => i);
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(
      ids.map(async (id) => {
        if (round > 0) await end(id, round - 1);
        await commit(id, round);
      }),
    );
    if (round % 20 === 19) shard = await checked();
  }
  expect(log.endOffset).toBeGreaterThan(PRODUCERS * PARTITIONS * ROUNDS);
  expect(log.endOffset - log.startOffset).toBeLessThan(2 * SNAPSHOT_MIN_RECORDS);
  for (const id of ids) expect(await end(id, ROUNDS - 1)).toBe(0);
  shard = await checked();
  const { committed, pending } = await stateOf(shard);
  expect(pending.size).toBe(0);
  expect(new Set([...committed.values()].map((value) => value!.offset))).toEqual(
    new Set([ROUNDS - 1]),
  );

  /** A shard that is loaded anew, which has to be the same. */
  async function checked() {
    const live = await stateOf(shard);
    shard.close(16);
    const again = await load();
    expect(await stateOf(again)).toEqual(live);
    return again;
  }

  function stateOf(of: typeof shard): Promise<ReturnType<typeof recorded>> {
    return of.run((turn, reply) => turn.reply(reply, recorded(turn.state)));
  }
});
