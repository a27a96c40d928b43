import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../../test/harness/temp.ts";
import { nodeEnv } from "../../src/env/node-env.ts";
import { rememberedPeers, rememberPeers } from "../../src/nats/remembered-peers.ts";

test("remembers peers, except those with which nats-server would not start", async () => {
  const directory = await temporaryDirectory();
  const good = ["10.0.0.1:7000", "broker-2:7000"];
  await rememberPeers(nodeEnv.fs, directory, [...good, "no port", "10.0.0.1:70x"]);
  expect(await rememberedPeers(nodeEnv.fs, directory)).toEqual(good);
  await nodeEnv.fs.remove(join(directory, "peers.json"));
  expect(await rememberedPeers(nodeEnv.fs, directory)).toEqual([]);
});
