import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { freePorts } from "../../../../test/harness/free-ports.ts";
import { etcd, natsServer, startEtcd } from "../../../../test/harness/nats-server.ts";
import { temporaryDirectory } from "../../../../test/harness/temp.ts";
import type { EtcdDiscovery as EtcdSettings } from "../../src/config/settings.ts";
import { EtcdClient } from "../../src/discovery/etcd-client.ts";
import { EtcdDiscovery } from "../../src/discovery/etcd-discovery.ts";
import { StaticDiscovery } from "../../src/discovery/static-discovery.ts";
import { nodeEnv } from "../../src/env/node-env.ts";
import { rememberedPeers } from "../../src/nats/remembered-peers.ts";
import { eventually, managedCluster, recordingLogger, start } from "../nats/own-engine.ts";
import { SecureEtcd } from "./secure-etcd.ts";

const open: EtcdDiscovery[] = [];
afterEach(() => Promise.all(open.splice(0).map((discovery) => discovery.close())));

type Secured = Pick<EtcdSettings, "user" | "tls">;

function etcdDiscovery(endpoints: readonly string[], secured: Secured = {}) {
  const log = recordingLogger();
  const settings = { type: "etcd", endpoints, timeoutMs: 1000, ...secured } as const;
  const discovery = new EtcdDiscovery(settings, nodeEnv, log);
  open.push(discovery);
  return { discovery, log };
}

const self = (nodeId: number) => ({ nodeId, raftAddress: `127.0.0.1:700${nodeId}` });

it("a list of peers holds the broker itself, whether it was listed or not", async () => {
  const discovery = new StaticDiscovery(["b:1", "a:1", "b:1"]);
  expect(await discovery.join({ nodeId: 1, raftAddress: "c:1" })).toEqual(["a:1", "b:1", "c:1"]);
  expect(await discovery.join({ nodeId: 1, raftAddress: "a:1" })).toEqual(["a:1", "b:1", "c:1"]);
});

describe("etcd", () => {
  etcd.it("shows brokers each other, and forgets one that closes", async () => {
    const { endpoint } = await startEtcd();
    const [away] = await freePorts(1);
    const one = etcdDiscovery([endpoint]);
    expect(await one.discovery.join(self(1))).toEqual(["127.0.0.1:7001"]);
    const two = etcdDiscovery([`127.0.0.1:${away}`, `http://${endpoint}/`]);
    const both = ["127.0.0.1:7001", "127.0.0.1:7002"];
    expect(await two.discovery.join(self(2))).toEqual(both);
    await eventually("the first one sees it", () => one.discovery.peers.length === 2);
    await two.discovery.close();
    await eventually("the first one misses it", () => one.discovery.peers.length === 1);
  });

  etcd.it("may stop and come back, with its data or without", async () => {
    const { process, endpoint } = await startEtcd();
    const one = etcdDiscovery([endpoint]);
    const two = etcdDiscovery([endpoint]);
    await one.discovery.join(self(1));
    await two.discovery.join(self(2));
    await process.kill9();
    await eventually("that is noticed", () => two.discovery.problem !== null);
    expect(two.discovery.peers).toHaveLength(2);
    await process.start();
    await eventually("both are there again", async () => {
      const three = etcdDiscovery([endpoint]);
      const peers = await three.discovery.join(self(3));
      await three.discovery.close();
      return peers.length === 3 && one.discovery.problem === null;
    });
    expect(two.log.lines.filter((line) => line.includes("does not answer"))).toHaveLength(1);
  });

  etcd.it("reports that it does not answer, and joining waits until it is closed", async () => {
    const [port] = await freePorts(1);
    const { discovery } = etcdDiscovery([`127.0.0.1:${port}`]);
    const joining = discovery.join(self(1));
    await eventually("the problem is told", () => discovery.problem !== null);
    expect(discovery.problem).toMatch(/^etcd does not answer \(http:\/\/127.*ECONNREFUSED\)$/);
    await discovery.close();
    await expect(joining).rejects.toThrow("discovery was closed");
  });

  etcd.it("lets in who has a certificate and a password, and takes new ones", async () => {
    const secure = await SecureEtcd.start("s3cr3t-etcd");
    const { endpoint, tls } = secure;
    const passwordFile = join(await temporaryDirectory(), "password");
    await writeFile(passwordFile, "s3cr3t-etcd\n");
    const user = { name: "tarpan", passwordFile };
    const bad = etcdDiscovery([endpoint], { user });
    bad.discovery.join(self(8)).catch(() => {});
    const noCertificate = etcdDiscovery([endpoint], { user, tls: { caFile: tls.caFile } });
    noCertificate.discovery.join(self(9)).catch(() => {});
    const { discovery, log } = etcdDiscovery([endpoint], { user, tls });
    expect(await discovery.join(self(1))).toEqual(["127.0.0.1:7001"]);
    await eventually("an authority that it does not know", () => bad.discovery.problem !== null);
    expect(bad.discovery.problem).toMatch(/^etcd does not answer .*certificate/);
    await eventually("no certificate", () => noCertificate.discovery.problem !== null);
    expect(noCertificate.discovery.problem).toMatch(/^etcd does not answer .*CERTIFICATE\S*\)$/);

    // A change of users ends all tokens.
    await secure.changePassword("s3cr3t-two");
    await eventually("it is refused", () => discovery.problem !== null);
    expect(discovery.problem).toMatch(/^etcd refuses this broker's requests .*invalid user/);
    await writeFile(passwordFile, "s3cr3t-two\n");
    await eventually("it is let in again", () => discovery.problem === null);
    const lines = [...log.lines, ...bad.log.lines, ...noCertificate.log.lines];
    expect(lines.join("\n")).not.toContain("s3cr3t");
    const two = etcdDiscovery([endpoint], { user, tls });
    expect(await two.discovery.join(self(2))).toEqual(["127.0.0.1:7001", "127.0.0.1:7002"]);
  });

  etcd.it("leaves out what is no address: nats-server would not start with it", async () => {
    const { endpoint } = await startEtcd();
    const stranger = new EtcdClient({ endpoints: [endpoint], timeoutMs: 1000 }, nodeEnv);
    const lease = await stranger.grantLease(60);
    const values = ["", "no port", "a:b@10.0.0.1:7001", "10.0.0.1:7001/x", 'x"\n]:7001', "a:99999"];
    for (const [i, raftAddress] of values.entries())
      await stranger.put(`/tarpan/brokers/9${i}`, JSON.stringify({ raftAddress }), lease);
    const { discovery, log } = etcdDiscovery([endpoint]);
    expect(await discovery.join(self(1))).toEqual(["127.0.0.1:7001"]);
    expect(log.lines).toEqual([expect.stringMatching(/^etcd has keys without a raft address/)]);
  });

  etcd.it("warns of two brokers with one node id", async () => {
    const { endpoint } = await startEtcd();
    await etcdDiscovery([endpoint]).discovery.join(self(1));
    const { discovery, log } = etcdDiscovery([endpoint]);
    await discovery.join({ nodeId: 1, raftAddress: "127.0.0.1:7009" });
    expect(log.lines[0]).toMatch(/two brokers have the same --node-id/);
  });
});

natsServer.it(
  "brokers found through etcd form a cluster, and start again without it",
  async (context) => {
    if (etcd.path === "") return context.skip("etcd is missing");
    const { process, endpoint } = await startEtcd();
    const ports = await freePorts(3);
    const settings = { type: "etcd", endpoints: [endpoint], timeoutMs: 1000 } as const;
    const directories = await Promise.all(ports.map(() => temporaryDirectory()));
    const startOne = (i: number) =>
      start(managedCluster(ports[i]!, settings), {
        nodeId: i + 1,
        dataDirectory: directories[i]!,
      });
    const started = await Promise.all([0, 1, 2].map(startOne));
    // JetStream answers once two servers have met; the third joins when the meta leader hears it.
    const servers = async (one: (typeof started)[0]) => (await one.engine.facts()).replicasMax;
    await eventually("all three are in", async () => (await servers(started[0]!)) === 3);
    // If the third one was the first that etcd heard of, it learns of the others a little later.
    await eventually("the third one remembers all", async () => {
      const remembered = await rememberedPeers(nodeEnv.fs, join(directories[2]!, "nats"));
      return remembered.length === 3;
    });
    await process.kill9();
    await started[2]!.engine.stop();
    const again = await startOne(2);
    expect(again.log.lines).toContain(
      "discovery failed: starting with the brokers of the last start",
    );
    await eventually("all three are in again", async () => (await servers(again)) === 3);
  },
);
