import { describe, expect, it } from "vitest";
import {
  natsServer,
  startNatsCluster,
  startNatsServer,
} from "../../../../test/harness/nats-server.ts";
import type { ClusterSettings } from "../../src/config/settings.ts";
import { engineAddress } from "../../src/nats/engine-url.ts";
import { Secret } from "../../src/util/secret.ts";
import { eventually, start } from "./own-engine.ts";

const external = (urls: readonly string[]): ClusterSettings => ({
  engine: { kind: "external", urls: new Secret(urls) },
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
  ["a", ["nats://a:4222"], undefined, undefined],
  ["tls://u:p@a:1", ["tls://a:1"], "u", "p"],
  ["nats://secret@a:1", ["nats://a:1"], "secret", undefined],
  ["nats://[::1]:1", ["nats://[::1]:1"], undefined, undefined],
])("the engine's address %s", (url, servers, user, password) => {
  const address = engineAddress([url]);
  expect(address).toMatchObject({ servers, user });
  expect(address.password?.reveal()).toBe(password);
});
