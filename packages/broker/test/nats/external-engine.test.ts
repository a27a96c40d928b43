import { describe, expect, it } from "vitest";
import {
  natsServer,
  startNatsCluster,
  startNatsServer,
} from "../../../../test/harness/nats-server.ts";
import type { ClusterSettings } from "../../src/config/settings.ts";
import { engineAddress } from "../../src/nats/engine-url.ts";
import { eventually, start } from "./own-engine.ts";

const external = (urls: readonly string[]): ClusterSettings => ({
  engine: { kind: "external", urls },
  discovery: { type: "static", peers: [] },
  followerRead: false,
  allowOldEngine: natsServer.old,
});

describe("external NATS servers", () => {
  natsServer.it("are used, and their status says what can't be verified", async () => {
    const servers = await startNatsCluster(3);
    const { engine } = await start(external(servers.map(({ url }) => url)));
    expect({ admin: engine.admin, server: engine.server }).toEqual({ admin: null, server: null });
    const facts = await engine.facts();
    expect(facts).toMatchObject({ replicasMax: null, syncInterval: "unverified" });
    expect(facts.problems.join("\n")).toMatch(/max_payload of NATS is 1048576 bytes/);
    expect(facts.problems.join("\n")).toMatch(/how the NATS servers sync can't be verified/);

    const connectedTo = engine.nc.getServer();
    const lost = servers.find(({ url }) => url.endsWith(connectedTo.split(":").at(-1)!))!;
    await lost.process.kill9();
    await eventually("another one is found", () => engine.nc.getServer() !== connectedTo);
  });

  natsServer.it("are given the user and password of their URL", async () => {
    const user = `authorization { user: "tarpan", password: "p@ss" }`;
    const { process } = await startNatsServer({ config: `${user}\nmax_payload: 8388608` });
    const at = `127.0.0.1:${process.port}`;
    const { engine } = await start(external([`nats://tarpan:p%40ss@${at}`]));
    expect((await engine.facts()).maxPayloadBytes).toBe(8_388_608);
    await expect(start(external([`nats://tarpan:wrong@${at}`]))).rejects.toMatchObject({
      code: "TARPAN_ENGINE_REFUSED",
      message: expect.stringMatching(new RegExp(`^NATS at nats://${at} refuses the broker`)),
    });
  });
});

it.each([
  ["a", { servers: ["nats://a:4222"], user: undefined, token: undefined }],
  ["tls://u:p@a:1", { servers: ["tls://a:1"], user: "u", password: "p" }],
  ["nats://secret@a:1", { servers: ["nats://a:1"], user: undefined, token: "secret" }],
  ["nats://[::1]:1", { servers: ["nats://[::1]:1"] }],
])("the engine's address %s", (url, address) => {
  expect(engineAddress([url])).toMatchObject(address);
});
