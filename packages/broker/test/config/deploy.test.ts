// Reads the files in deploy/ as their tools and the broker do: each must result in a cluster of
// brokers that find each other.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { loadConfig } from "../../src/config/index.ts";

const read = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../../../deploy/${name}`, import.meta.url)), "utf8");

type Loaded = Awaited<ReturnType<typeof loadConfig>>;

function expectCluster(brokers: readonly Loaded[], raftAddresses: readonly string[]): void {
  expect(brokers.map(({ settings }) => settings.nodeId)).toEqual([1, 2, 3]);
  for (const [i, { settings, warnings }] of brokers.entries()) {
    expect(warnings).toEqual([]);
    expect(settings).toMatchObject({
      storage: "jetstream",
      dataDirectory: "/var/lib/tarpan",
      flush: { mode: "always" },
      kafkaConfigs: { "default.replication.factor": "3" },
      cluster: { discovery: { type: "static", peers: raftAddresses } },
    });
    const engine = settings.cluster!.engine as { raftHost: string; raftPort: number };
    expect(`${engine.raftHost}:${engine.raftPort}`).toBe(raftAddresses[i]);
  }
}

test("compose.yaml", async () => {
  // Compose puts in the default of a variable that is not set.
  const text = read("compose.yaml").replace(/\$\{\w+:-(\w+)\}/g, "$1");
  const { services } = parse(text, { merge: true });
  const all = Object.entries<{ environment: Record<string, string>; ports: string[] }>(services);
  const brokers = await Promise.all(
    all.map(([, { environment }]) => loadConfig({ flags: {}, environment })),
  );
  expectCluster(
    brokers,
    all.map(([name]) => `${name}:7001`),
  );
  for (const [i, { settings }] of brokers.entries()) {
    const { bindPort, kafkaConfigs, cluster } = settings;
    expect(cluster!.engine).toMatchObject({ passwordFile: "/run/secrets/cluster" });
    expect(all[i]![1].ports).toEqual([`${bindPort}:${bindPort}`]);
    expect(kafkaConfigs["advertised.listeners"]).toMatch(new RegExp(`:${bindPort}$`));
  }
});

test("kubernetes.yaml", async () => {
  const documents = parseAllDocuments(read("kubernetes.yaml")).map((one) => one.toJS());
  const set = documents.find(({ kind }) => kind === "StatefulSet");
  const [container] = set.spec.template.spec.containers;
  const domain = "tarpan.test.svc.cluster.local";
  expect(container.command).toEqual(["/bin/sh", "-c"]);
  // What the shell would start, a word per line.
  const script = container.args[0].replace(/^exec tarpan broker/, "printf '%s\\n'");
  const brokers = await Promise.all(
    [0, 1, 2].map((ordinal) => {
      const env = { POD_NAME: `tarpan-${ordinal}`, DOMAIN: domain };
      const words = execFileSync("/bin/sh", ["-c", script], { env, encoding: "utf8" })
        .trim()
        .split("\n");
      return loadConfig({ flags: flagsOf(words), environment: {} });
    }),
  );
  expectCluster(
    brokers,
    [0, 1, 2].map((ordinal) => `tarpan-${ordinal}.${domain}:7001`),
  );
  expect(set.spec.replicas).toBe(brokers.length);
  const mounted = container.volumeMounts.map((mount: { mountPath: string }) => mount.mountPath);
  for (const { settings } of brokers) {
    const { tls } = settings.cluster!.engine;
    for (const path of Object.values(tls!)) expect(mounted).toContain(dirname(path));
  }
});

function flagsOf(words: readonly string[]): Record<string, string | string[]> {
  const flags: Record<string, string | string[]> = {};
  for (let i = 0; i < words.length; i += 2) {
    const name = words[i]!.replace(/^--/, "");
    const value = words[i + 1]!;
    flags[name] = name === "kafka" ? [...(flags.kafka ?? []), value] : value;
  }
  return flags;
}

test("broker.yaml, which tarpan.service starts", async () => {
  expect(read("tarpan.service")).toContain("broker --config /etc/tarpan/broker.yaml\n");
  const brokers = await Promise.all(
    [1, 2, 3].map((id) => {
      const text = read("broker.yaml")
        .replace("node_id: 1", `node_id: ${id}`)
        .replace(/^(\w+_addr): 10\.0\.0\.1/gm, `$1: 10.0.0.${id}`);
      return loadConfig({ flags: {}, environment: {}, file: { path: "broker.yaml", text } });
    }),
  );
  expectCluster(
    brokers,
    [1, 2, 3].map((id) => `10.0.0.${id}:7001`),
  );
  for (const { settings } of brokers) expect(settings.cluster!.engine.tls).toBeDefined();
});

test("compose-secured.yaml and the secured.yaml that it mounts", async () => {
  const { broker } = parse(read("compose-secured.yaml")).services;
  expect(broker.volumes).toContain("./secured.yaml:/etc/tarpan/broker.yaml:ro");
  expect(broker.command).toEqual(["broker", "--config", "/etc/tarpan/broker.yaml"]);
  const file = { path: "/etc/tarpan/broker.yaml", text: read("secured.yaml") };
  const { settings, warnings } = await loadConfig({ flags: {}, environment: {}, file });
  expect(warnings).toEqual([]);
  const used = [
    settings.initialAdmin!.password,
    { file: settings.kafkaConfigs["ssl.keystore.location"] },
  ];
  const mounted = broker.secrets.map((secret: string) => ({ file: `/run/secrets/${secret}` }));
  expect(used).toEqual(mounted);
  // What clients are told is what they reach: the service's name, and the port of the host.
  const advertised = settings.kafkaConfigs["advertised.listeners"]!;
  expect(advertised).toBe("INSIDE://broker:9092,OUTSIDE://localhost:9093");
  expect(broker.ports).toEqual(["9093:9093"]);
});
