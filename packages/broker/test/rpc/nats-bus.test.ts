import { connect, type NatsConnection } from "@nats-io/transport-node";
import { api, bytes, i32 } from "@tarpan/protocol";
import { expect } from "vitest";
import { atFileEnd } from "../../../../test/harness/file-end.ts";
import { natsServer, startNatsServer } from "../../../../test/harness/nats-server.ts";
import { type Heartbeat, onHeartbeats, sendHeartbeat } from "../../src/cluster/heartbeat.ts";
import { nodeEnv } from "../../src/env/node-env.ts";
import type { Logger } from "../../src/logging/logger.ts";
import type { Bus } from "../../src/rpc/bus.ts";
import { NatsBus } from "../../src/rpc/nats-bus.ts";
import { Rpc } from "../../src/rpc/rpc.ts";
import { BEAT, Marks, releasesTalk } from "./two-releases.ts";

const said: string[] = [];
const say = (line: string) => void said.push(line);
const logger: Logger = { debug: say, info: say, warn: say, error: say };
const TIMEOUT_MS = 10_000;

const Blow = api({
  ...{ key: 20_002, name: "Blow", versions: "0", flexible: "0+" },
  request: { sizeBytes: i32 },
  response: { air: bytes },
});

natsServer.it("brokers of two releases call each other over NATS", async () => {
  const [one, two] = await connections(2);
  const start = async (nodeId: number, bus: Bus) => {
    const rpc = rpcOn(nodeId, bus);
    await Promise.all([one!.flush(), two!.flush()]);
    return rpc;
  };
  await releasesTalk(start, [new NatsBus(one!), new NatsBus(two!)]);
});

natsServer.it("frames of other programs on NATS harm nothing", async () => {
  const [one, two, stranger] = await connections(3);
  const rpc = rpcOn(1, new NatsBus(one!));
  const other = rpcOn(2, new NatsBus(two!));
  other.serve(Marks, async () => ({ done: 1 }));
  const heard = new Promise<Heartbeat>((resolve) => onHeartbeats(other, resolve));
  await two!.flush();
  const junk = new TextEncoder().encode('{"brokerId":1}');
  for (const frame of [new Uint8Array(0), new Uint8Array([0x27]), junk]) {
    stranger!.publish("tarpan.rpc.all.BrokerHeartbeat", frame);
    // The same without a sender that waits for an answer.
    stranger!.publish("tarpan.rpc.2", frame);
    const { data } = await stranger!.request("tarpan.rpc.2", frame, { timeout: TIMEOUT_MS });
    expect([data[0], data[1]]).not.toEqual([0, 0]);
  }
  expect(said).toHaveLength(2);
  sendHeartbeat(rpc, BEAT);
  expect(await heard).toEqual(BEAT);
  const mark = { producerId: 1n, batch: new Uint8Array(0) };
  expect(await rpc.call(Marks, 2, mark, TIMEOUT_MS)).toMatchObject({ done: 1 });
});

natsServer.it(
  "tells calls that were certainly not done from those with unknown outcome",
  async () => {
    const [one, two] = await connections(2);
    const rpc = rpcOn(1, new NatsBus(one!));
    const ask = (sizeBytes: number) => rpc.call(Blow, 2, { sizeBytes }, TIMEOUT_MS);
    await expect(ask(1)).rejects.toMatchObject({ kind: "not-done" });
    const other = rpcOn(2, new NatsBus(two!));
    await two!.flush();
    await expect(ask(1)).rejects.toMatchObject({ kind: "not-done" });
    other.serve(Blow, async ({ sizeBytes }) => ({ air: new Uint8Array(sizeBytes) }));
    expect((await ask(1_000)).air).toHaveLength(1_000);
    const tooLarge = expect(ask(one!.info!.max_payload)).rejects;
    await tooLarge.toMatchObject({ kind: "unknown", message: "the answer is too large" });
    other.close();
    await two!.flush();
    await expect(ask(1)).rejects.toMatchObject({ kind: "not-done" });
  },
);

function rpcOn(nodeId: number, bus: Bus): Rpc {
  const rpc = new Rpc({ env: nodeEnv, bus, nodeId, logger });
  rpc.start();
  atFileEnd(async () => rpc.close());
  return rpc;
}

async function connections(count: number): Promise<NatsConnection[]> {
  const { process, url } = await startNatsServer();
  atFileEnd(() => process.stop());
  const all = await Promise.all(Array.from({ length: count }, () => connect({ servers: url })));
  for (const nats of all) atFileEnd(() => nats.close());
  return all;
}
