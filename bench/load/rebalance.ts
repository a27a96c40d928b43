// A group of many members, each on its own connection, that rebalances again and again. Measured
// from the time when the members know of the rebalance until the last has its assignment.

import { setTimeout as sleep } from "node:timers/promises";
import { ErrorCode } from "@tarpan/protocol";
import { Connection } from "../connection.ts";
import {
  check,
  coordinatorReady,
  heartbeat,
  join,
  type Member,
  newMember,
  sync,
} from "./group-requests.ts";

export interface RebalanceJob {
  readonly port: number;
  readonly members: number;
  readonly rounds: number;
}

export interface RebalanceResult {
  readonly timesMs: readonly number[];
}

const RETRY_MS = 20;
const job = JSON.parse(process.argv[2]!) as RebalanceJob;

const members: Member[] = [];
for (let count = 0; count < job.members; count++)
  members.push(newMember(await Connection.open(job.port), "bench-rebalance"));
await coordinatorReady(members[0]!.connection, "bench-rebalance");

let isWhole = false;
await Promise.all(members.map(joinUntilWhole));
await syncAll();

const timesMs: number[] = [];
for (let round = 0; round < job.rounds; round++) {
  const leader = members.find(({ led }) => led.length > 0)!;
  const others = members.filter((member) => member !== leader);
  // When the leader joins again, the group rebalances; the others learn it from their heartbeats.
  const leading = join(leader);
  while ((await heartbeat(others[0]!)) !== ErrorCode.REBALANCE_IN_PROGRESS) await sleep(RETRY_MS);
  const startMs = performance.now();
  await Promise.all([leading, ...others.map(join)]);
  await syncAll();
  timesMs.push(performance.now() - startMs);
}
for (const { connection } of members) connection.close();
const result: RebalanceResult = { timesMs };
console.log(JSON.stringify(result));

/** Joins again at every rebalance until a generation has all members. */
async function joinUntilWhole(member: Member): Promise<void> {
  while (!isWhole) {
    await join(member);
    if (member.led.length === job.members) isWhole = true;
    while (!isWhole && (await heartbeat(member)) !== ErrorCode.REBALANCE_IN_PROGRESS)
      await sleep(RETRY_MS);
  }
}

async function syncAll(): Promise<void> {
  for (const errorCode of await Promise.all(members.map(sync))) check(errorCode, "SyncGroup");
}
