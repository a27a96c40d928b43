import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { TestAuthority } from "../../packages/broker/test/tls/certificates.ts";
import { BrokerProcess } from "../harness/broker-process.ts";
import { ClusterNetwork, type Host } from "../harness/cluster-network.ts";
import { peer } from "../harness/peers.ts";
import { run, succeed } from "../harness/run.ts";
import { temporaryDirectory } from "../harness/temp.ts";

// docs/containers.md and deploy/secured.yaml, without containers: the broker and a client are on
// one network, the other client is on another one. It reaches only this process, which forwards
// connections as a published port or a NAT gateway does.

const kcat = peer("kcat");
const ROUND_TRIP = fileURLToPath(new URL("../peers/round-trip.mjs", import.meta.url));
const deployed = (name: string) =>
  readFileSync(new URL(`../../deploy/${name}`, import.meta.url), "utf8");
const CONFIG = deployed("secured.yaml");
const COMPOSE = deployed("compose-secured.yaml");
const PASSWORD = "a-long-secret";

kcat.it(
  "clients inside and outside of a containers' network use a broker by their own addresses",
  async (context) => {
    const [containers, world] = [await newNetwork(), await newNetwork()];
    if (typeof containers === "string") return context.skip(containers);
    if (typeof world === "string") return context.skip(world);
    const [broker, inside] = [await containers.addHost(), await containers.addHost()];
    const outside = await world.addHost();
    const published = await publish(world.ownAddress, { host: broker.clientAddress, port: 9093 });
    const addresses = { inside: `${broker.clientAddress}:9092`, outside: published };
    const ca = await startBroker(broker, addresses);
    // Otherwise the test would show nothing.
    expect((await reaches(outside, addresses.inside)).code).not.toBe(0);
    expect((await reaches(inside, addresses.inside)).code).toBe(0);
    expect((await reaches(broker, "127.0.0.1:9092")).code).toBe(0);
    await Promise.all([
      roundTrips(inside, addresses.inside, ca),
      roundTrips(outside, addresses.outside, ca),
    ]);
  },
  120_000,
);

async function newNetwork(): Promise<ClusterNetwork | string> {
  const network = await ClusterNetwork.create();
  if (typeof network !== "string") onTestFinished(() => network.remove());
  return network;
}

/** Forwards connections from a free port of an address; resolves to `host:port`. */
async function publish(host: string, to: { host: string; port: number }): Promise<string> {
  const server = createServer((client) => {
    const forwarded = connect(to);
    client.on("error", () => forwarded.destroy()).on("close", () => forwarded.destroy());
    forwarded.on("error", () => client.destroy()).on("close", () => client.destroy());
    client.pipe(forwarded).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => void server.close());
  return `${host}:${(server.address() as AddressInfo).port}`;
}

/** Starts it by deploy/secured.yaml; resolves to the file of its authority. */
async function startBroker(
  { launcher }: Host,
  { inside, outside }: { inside: string; outside: string },
): Promise<string> {
  const directory = await temporaryDirectory();
  const write = async (name: string, text: string) => {
    await writeFile(join(directory, name), text, { mode: 0o600 });
    return join(directory, name);
  };
  const authority = new TestAuthority();
  const hosts = [inside, outside].map((address) => address.split(":")[0]!);
  const { key, certificate } = authority.issue("broker", { hosts });
  await write("broker.pem", `${key}${certificate}`);
  await write("admin_password", `${PASSWORD}\n`);
  const config = CONFIG.replace("/var/lib/tarpan", join(directory, "data"))
    .replaceAll("/run/secrets", directory)
    .replace("INSIDE://broker:9092", `INSIDE://${inside}`)
    .replace("OUTSIDE://localhost:9093", `OUTSIDE://${outside}`);
  const file = await write("broker.yaml", config);
  const commandLine = ["--config", file, "--kafka", "group.initial.rebalance.delay.ms=0"];
  const broker = new BrokerProcess({ launcher, commandLine });
  await broker.start();
  onTestFinished(() => broker.kill9());
  return write("ca.crt", authority.certificate);
}

const on = ({ launcher: [program, ...args] }: Host, ...words: readonly string[]) =>
  [program!, [...args, ...words]] as const;

/** Whether `/ready` answers there, as the health check of the container asks for it. */
function reaches(host: Host, address: string) {
  const [, check = ""] = /- >-\n((?: {10}.+\n)+)/.exec(COMPOSE)!;
  const script = check.replace("127.0.0.1:9092", address);
  return run(...on(host, process.execPath, "-e", script));
}

async function roundTrips(host: Host, address: string, ca: string): Promise<void> {
  const configs = {
    ...{ "security.protocol": "sasl_ssl", "ssl.ca.location": ca },
    // Old releases of librdkafka can't log in by SCRAM: see docs/security.md.
    ...{ "sasl.mechanism": "PLAIN", "sasl.username": "admin", "sasl.password": PASSWORD },
  };
  const flags = Object.entries(configs).flatMap(([name, value]) => ["-X", `${name}=${value}`]);
  const to = [kcat.path, "-m", "20", "-b", address, ...flags];
  const input = `kcat by ${address}\n`;
  await succeed(...on(host, ...to, "-t", "t", "-P"), { input });
  expect(await succeed(...on(host, ...to, "-t", "t", "-C", "-e", "-q"))).toContain(input);
  const { brokers } = JSON.parse(await succeed(...on(host, ...to, "-L", "-J")));
  expect(brokers).toMatchObject([{ name: address }]);
  const script = [ROUND_TRIP, address, "t", ca, "admin", PASSWORD];
  expect(await succeed(...on(host, process.execPath, ...script))).toBe(`kafkajs by ${address}\n`);
}
