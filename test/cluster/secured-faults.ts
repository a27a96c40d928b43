import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { expect, onTestFinished } from "vitest";
import type { KafkaSocket } from "../../packages/broker/test/runtime/kafka-socket.ts";
import type { Cluster } from "../harness/cluster.ts";
import type { ClusterNode, Part } from "../harness/cluster-node.ts";
import type { SeededRandom } from "../harness/random.ts";
import { AWAY_MS, isLong } from "./chaos.ts";
import { asBroker, type Intruders, reads } from "./intruders.ts";
import { pause } from "./load/load.ts";
import type { RecordedRun } from "./load/recorded-run.ts";
import { type SecuredCluster, secret } from "./secured-cluster.ts";
import type { SecuredUsers } from "./secured-users.ts";

/** Longer than files of keys are left alone. */
const RENEWED_LIMIT_MS = 30_000;
const KNOWN_LIMIT_MS = 10_000;

/** A cluster under load, and those who try to get in. */
export interface Scene {
  readonly cluster: Cluster;
  readonly secured: SecuredCluster;
  readonly users: SecuredUsers;
  readonly intruders: Intruders;
  readonly run: RecordedRun;
  readonly random: SeededRandom;
}

export type Fault = (scene: Scene) => Promise<void>;

/** The next test needs a whole cluster, even if this one fails. */
function healing({ cluster }: Scene, heal: () => Promise<void> | void): () => Promise<void> {
  let isHealed = false;
  const once = async () => {
    if (isHealed) return;
    isHealed = true;
    await heal();
    await cluster.settled();
  };
  onTestFinished(once);
  return once;
}

/** A user loses its ACLs, and then its password, while a broker is away and knows nothing of it. */
export async function revokedWhileKilled(scene: Scene): Promise<void> {
  await revokedWhile(scene, {
    what: "killed",
    away: (node) => node.kill9("both"),
    back: (node) => node.start(),
  });
}

export async function revokedWhilePaused(scene: Scene): Promise<void> {
  const part = scene.random.pick<Part>(["both", "broker"]);
  await revokedWhile(scene, {
    what: `paused (${part})`,
    away: (node) => node.pause(part),
    lastsMs: AWAY_MS,
    back: (node) => node.resume(part),
  });
}

interface Absence {
  readonly what: string;
  readonly lastsMs?: number;
  readonly away: (node: ClusterNode) => Promise<void> | void;
  readonly back: (node: ClusterNode) => Promise<void> | void;
}

async function revokedWhile(scene: Scene, { what, lastsMs = 0, away, back }: Absence) {
  const { cluster, users, intruders, run } = scene;
  const node = scene.random.pick(cluster.nodes);
  const user = `former-${scene.random.below(1_000_000)}`;
  const { topic } = run.load;
  console.log(`${user} is revoked while broker ${node.nodeId} is ${what}`);
  await users.letRead(user, topic);
  const opened = await openedBy(user, scene);
  const heal = healing(scene, () => back(node));
  await away(node);
  const wait = pause(lastsMs);
  await users.revoke(user);
  const others = cluster.nodes.filter((other) => other !== node);
  for (const other of others)
    await expect
      .poll(() => intruders.logsInAs(user, other), { timeout: KNOWN_LIMIT_MS })
      .toBe(null);
  // What is sent to a broker that is paused waits until it goes on.
  const read = opened.map((client) => reads(client, topic).catch(() => null));
  intruders.try(user, (each) => intruders.logsInAs(user, each));
  // A consumer of kafkajs waits for a broker that is paused: see RecordedRun.
  await run.progress({ kafkajs: lastsMs === 0 });
  await wait;
  await heal();
  expect(await Promise.all(read)).toEqual(read.map(() => null));
  for (const client of opened) client[Symbol.dispose]();
}

/** A connection to each broker, over which the user has read. */
function openedBy(user: string, { cluster, intruders, run }: Scene): Promise<KafkaSocket[]> {
  const { topic } = run.load;
  const opened = async (node: ClusterNode) => {
    let client: KafkaSocket | null = null;
    const tryOnce = async () => {
      client = await intruders.connectedAs(user, node);
      return await reads(client, topic);
    };
    const options = { timeout: KNOWN_LIMIT_MS };
    await expect.poll(() => tryOnce().catch(() => null), options).not.toBe(null);
    return client!;
  };
  return Promise.all(cluster.nodes.map(opened));
}

export async function engineKilled(scene: Scene): Promise<void> {
  const node = scene.random.pick(scene.cluster.nodes);
  console.log(`the nats-server of broker ${node.nodeId} is killed`);
  const heal = healing(scene, () => {});
  await node.kill9("engine");
  await scene.run.progress();
  await heal();
}

export async function allKilled({ cluster, run }: Scene): Promise<void> {
  console.log("all brokers are killed");
  await Promise.all(cluster.nodes.map((node) => node.kill9()));
  await cluster.startAll();
  await run.progress();
}

export async function restartedInTurn({ cluster, run }: Scene): Promise<void> {
  for (const node of cluster.nodes) {
    console.log(`broker ${node.nodeId} is restarted`);
    expect(await node.stop()).toBe(0);
    await node.expectGone();
    await node.start();
    await cluster.settled();
    await run.progress();
  }
}

export async function listenersRenewed({ cluster, secured }: Scene): Promise<void> {
  console.log("new certificates for the listeners");
  const renewed = async ({ nodeId }: ClusterNode) => {
    const expected = secured.renewListener(nodeId);
    const shown = () => shownAt(secured.portOf(nodeId), secured.tls);
    await expect.poll(shown, { timeout: RENEWED_LIMIT_MS }).toBe(serialOf(expected));
  };
  await Promise.all(cluster.nodes.map(renewed));
}

/** As docs/cluster.md says: trust both, renew, trust the new one only. Then connections break. */
export async function authorityChanged(scene: Scene): Promise<void> {
  console.log("another authority between the brokers");
  const { cluster, secured, intruders } = scene;
  const former = asPem(secured.certificateBetween("broker-1"));
  const { old, next } = secured.changeAuthority();
  const latter = asPem(secured.certificateBetween("broker-1"));
  const everyNode = (what: (node: ClusterNode) => Promise<unknown>, expected: unknown) =>
    Promise.all(
      cluster.nodes.map((node) =>
        expect.poll(() => what(node), { timeout: RENEWED_LIMIT_MS }).toEqual(expected),
      ),
    );
  await everyNode((node) => asBroker(node, former), expect.any(String));
  await everyNode((node) => asBroker(node, latter), null);
  secured.trust(old, next);
  await everyNode((node) => asBroker(node, latter), expect.any(String));
  for (const { nodeId } of cluster.nodes) secured.renewBetween(nodeId);
  await everyNode(async ({ nodeId, raftAddress }) => {
    const own = readFileSync(join(secured.directory, `${nodeId}.crt`), "utf8");
    const shown = await shownAt(Number(raftAddress.split(":")[1]), latter);
    return shown === serialOf(own);
  }, true);
  secured.trust(next);
  await everyNode((node) => asBroker(node, former), null);
  intruders.try("a broker of the old authority", (node) => asBroker(node, former));
  await engineKilled(scene);
}

/** The same pause as that of a cluster that gets TLS: brokers with the old one do not connect. */
export async function passwordChanged(scene: Scene): Promise<void> {
  console.log("another password between the brokers");
  const { cluster, secured, intruders, run } = scene;
  const [first, second, third] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode];
  const own = asPem(secured.certificateBetween("broker-1"));
  const says = loginOf(first);
  expect(await asBroker(second, { ...own, says })).toEqual(expect.any(String));
  for (const { nodeId } of cluster.nodes) secured.setPassword(nodeId, secret("another"));
  expect(await first.stop()).toBe(0);
  const started = first.start();
  await run.progress();
  expect(await second.stop()).toBe(0);
  await Promise.all([second.start(), started]);
  await run.progress({ kafkajs: false });
  expect(await third.stop()).toBe(0);
  await third.start();
  await cluster.settled();
  const withOld = (node: ClusterNode) => asBroker(node, { ...own, says });
  for (const node of cluster.nodes) expect(await withOld(node)).toBe(null);
  intruders.try("a broker with the old password", withOld);
}

/** What a nats-server with this one's configuration says to another. */
function loginOf({ dataDirectory }: ClusterNode): string {
  const conf = readFileSync(join(dataDirectory, "nats/nats-server.conf"), "utf8");
  const [, user, pass] = /authorization { user: (\S+), password: "([^"]+)"/.exec(conf)!;
  return `CONNECT ${JSON.stringify({ user, pass, name: "mallory", cluster: "tarpan" })}\r\nPING\r\n`;
}

const asPem = ({ certificate, key }: { certificate: string; key: string }) => {
  return { cert: certificate, key };
};

const serialOf = (certificate: string) => new X509Certificate(certificate).serialNumber;

/** The serial number of the certificate that a port shows; null if there is no connection. */
function shownAt(port: number, options: object): Promise<string | null> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connect({
      ...{ port, host: "127.0.0.1", rejectUnauthorized: false },
      ...options,
    });
    socket.once("secureConnect", () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? null);
      socket.destroy();
    });
    socket.once("error", () => resolve(null));
  });
}

/** What happens under load, in this order, each under its name. */
export const FAULTS: readonly (readonly [what: string, faults: readonly Fault[]])[] = isLong
  ? [
      ["nodes are killed", [revokedWhileKilled, engineKilled, revokedWhileKilled, engineKilled]],
      ["nodes are paused", [revokedWhilePaused, revokedWhilePaused]],
      ["certificates are renewed", [listenersRenewed, authorityChanged]],
      ["brokers are restarted in turn", [restartedInTurn, passwordChanged]],
      ["all are killed", [allKilled, revokedWhileKilled, allKilled]],
    ]
  : [["nodes are killed", [revokedWhileKilled]]];
