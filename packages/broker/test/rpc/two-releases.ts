import { api, bytes, i32, i64 } from "@tarpan/protocol";
import { expect } from "vitest";
import type { Heartbeat } from "../../src/cluster/heartbeat.ts";
import type { Bus } from "../../src/rpc/bus.ts";
import type { Rpc } from "../../src/rpc/rpc.ts";

const request = { producerId: i64, batch: bytes };
const response = { done: i32 };

/** The API in the old release. */
export const MarksOfOld = api({
  ...{ key: 20_001, name: "WriteMarks", versions: "0", flexible: "0+" },
  request,
  response,
});

/** The API in the new release: request and response have one more field. */
export const Marks = api({
  ...{ key: 20_001, name: "WriteMarks", versions: "0-1", flexible: "0+" },
  request: { ...request, coordinatorEpoch: i32.default(-1).in("1+") },
  response: { ...response, epoch: i32.default(-1).in("1+") },
});

export const BEAT: Heartbeat = {
  ...{
    brokerId: 1,
    incarnationId: "life",
    controllerEpoch: null,
    metadataEnd: 0,
    metadataReplicas: [],
  },
  ...{ clusterId: "c", followerRead: true, name: undefined },
};

const TIMEOUT_MS = 5_000;

/** Broker 1 has the old release, broker 2 the new one. Each also calls itself. */
export async function releasesTalk(
  start: (nodeId: number, bus: Bus) => Rpc | Promise<Rpc>,
  [ownBus, otherBus]: readonly [Bus, Bus],
): Promise<void> {
  const [old, next] = [await start(1, ownBus), await start(2, otherBus)];
  const batches: number[] = [];
  old.serve(MarksOfOld, async ({ producerId, batch }) => {
    batches.push(batch.length);
    return { done: Number(producerId) };
  });
  next.serve(Marks, async ({ producerId, batch, coordinatorEpoch }) => {
    batches.push(batch.length);
    return { done: Number(producerId), epoch: coordinatorEpoch };
  });
  const mark = { producerId: 5n, batch: new Uint8Array(1_000) };
  expect(await old.call(MarksOfOld, 2, mark, TIMEOUT_MS)).toEqual({ done: 5 });
  const later = { ...mark, coordinatorEpoch: 7 };
  for (let times = 0; times < 2; times++) {
    expect(await next.call(Marks, 1, later, TIMEOUT_MS)).toEqual({ done: 5, epoch: -1 });
  }
  expect(await next.call(Marks, 2, later, TIMEOUT_MS)).toEqual({ done: 5, epoch: 7 });
  expect(batches).toEqual([1_000, 1_000, 1_000, 1_000]);
  for (const rpc of [old, next]) rpc.close();
}
