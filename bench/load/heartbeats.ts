// Heartbeats of many groups with one member each, under an open load: see latency.ts.

import { once } from "node:events";
import { connect } from "node:net";
import { Worker } from "node:worker_threads";
import { encodeRequest, encodeResponse, Heartbeat } from "@tarpan/protocol";
import { Connection } from "../connection.ts";
import { difference } from "../frames.ts";
import { FrameHeads } from "./frame-heads.ts";
import { check, coordinatorReady, join, newMember, sync } from "./group-requests.ts";
import { resultOf } from "./latencies.ts";
import type { Pace } from "./pacer.ts";

export interface HeartbeatsJob {
  readonly port: number;
  readonly groups: number;
  readonly connections: number;
  readonly ratePerSecond: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

const VERSION = 4;
const TICK_MS = 1;
const LEAD_MS = 100;
const DRAIN_LIMIT_MS = 20_000;
const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

const job = JSON.parse(process.argv[2]!) as HeartbeatsJob;
const perTick = (job.ratePerSecond * TICK_MS) / 1000;
const ticks = Math.round((job.warmUpMs + job.measureMs) / TICK_MS);
const ignored = Math.round((job.warmUpMs / TICK_MS) * perTick);
const frames = await groupsOfOne();

const noError = Buffer.concat(encodeResponse(Heartbeat, VERSION, 0, { errorCode: 0 }));
const anError = Buffer.concat(encodeResponse(Heartbeat, VERSION, 0, { errorCode: -1 }));
const errorAt = difference(noError, anError);
const latencies = new Float64Array(ticks * perTick);
let sent = 0;
let answered = 0;
const lanes = await Promise.all(Array.from({ length: job.connections }, lane));

const allAnswered = new Promise<void>((resolve, reject) => {
  const limitMs = LEAD_MS + ticks * TICK_MS + DRAIN_LIMIT_MS;
  const missing = () =>
    reject(new Error(`${latencies.length - answered} heartbeats got no answer`));
  const limit = setTimeout(missing, limitMs);
  for (const each of lanes) {
    each.onAnswered = () => {
      if (answered < latencies.length) return;
      clearTimeout(limit);
      resolve();
    };
  }
});
const pace: Pace = { startMs: nowMs() + LEAD_MS, periodMs: TICK_MS, count: ticks };
const pacer = new Worker(new URL("./pacer.js", import.meta.url), { workerData: pace });
pacer.on("message", (tick: number) => {
  for (let i = 0; i < perTick; i++) {
    const request = sent++;
    const at = lanes[request % lanes.length]!;
    at.due.push(pace.startMs + tick * TICK_MS);
    at.socket.write(frames[request % frames.length]!);
  }
});
await allAnswered;
console.log(JSON.stringify(resultOf(latencies.subarray(ignored))));
process.exit(0);

async function lane() {
  const socket = connect({ host: "127.0.0.1", port: job.port, noDelay: true });
  await once(socket, "connect");
  const state = { socket, due: [] as number[], onAnswered: () => {} };
  let next = 0;
  const heads = new FrameHeads(errorAt + 2, (head) => {
    check(head.readInt16BE(errorAt), "Heartbeat");
    latencies[answered++] = nowMs() - state.due[next++]!;
    state.onAnswered();
  });
  socket.on("data", (chunk: Buffer) => heads.take(chunk));
  return state;
}

/** Creates the groups; resolves to a heartbeat frame for each. */
async function groupsOfOne(): Promise<Buffer[]> {
  const made: Buffer[] = [];
  const makers = Array.from({ length: job.connections }, async (_, lane) => {
    const connection = await Connection.open(job.port);
    await coordinatorReady(connection, "bench-heartbeats");
    for (let group = lane; group < job.groups; group += job.connections) {
      const member = newMember(connection, `bench-heartbeats-${group}`);
      await join(member);
      check(await sync(member), "SyncGroup");
      const { groupId, memberId, generationId } = member;
      const header = { correlationId: 0, clientId: "bench" };
      const body = { groupId, memberId, generationId };
      made[group] = Buffer.concat(encodeRequest(Heartbeat, VERSION, header, body));
    }
    connection.close();
  });
  await Promise.all(makers);
  return made;
}
