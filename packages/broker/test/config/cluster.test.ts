import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { type ConfigSources, loadConfig } from "../../src/config/index.ts";
import type { ExternalEngine } from "../../src/config/settings.ts";
import { SEED_JSON, SEED_YAML } from "./seeds.ts";

type Flags = NonNullable<ConfigSources["flags"]>;

const load = (text: string, flags: Flags = {}) =>
  loadConfig({ file: { path: "broker.yaml", text }, flags });
const byFlags = (flags: Flags) => loadConfig({ flags });

const RAFT = { "raft-addr": "127.0.0.1:7001" };
const ETCD = { "discovery-type": "etcd", "discovery-endpoints": "127.0.0.1:2379" };

describe("a cluster of brokers with a nats-server each", () => {
  test("a command line with etcd", async () => {
    const { settings, logging, warnings } = await byFlags({
      "node-id": "broker3",
      "bind-addr": "127.0.0.1",
      "bind-port": "9094",
      "raft-addr": "127.0.0.1:7003",
      "data-dir": "./data/broker3",
      "log-dir": "./data/broker3/logs",
      ...ETCD,
      "enable-follower-read": true,
    });
    expect(settings).toMatchObject({
      nodeId: 3,
      bindPort: 9094,
      storage: "jetstream",
      dataDirectory: "./data/broker3",
      cluster: {
        engine: { kind: "managed", raftHost: "127.0.0.1", raftPort: 7003 },
        discovery: { type: "etcd", endpoints: ["127.0.0.1:2379"], timeoutMs: 5000 },
        followerRead: true,
        allowOldEngine: false,
      },
    });
    expect(logging.file).toBe("./data/broker3/logs/broker.log");
    expect(warnings).toEqual([]);
  });

  test("the JSON form, with the cluster enabled", async () => {
    const { settings, warnings } = await load(SEED_JSON.replace("false", "true"));
    expect(settings).toMatchObject({
      nodeId: 2,
      storage: "jetstream",
      cluster: {
        engine: { kind: "managed", raftHost: "localhost", raftPort: 8092 },
        discovery: { type: "static", peers: ["localhost:8091", "localhost:8092"] },
      },
    });
    expect(warnings).toEqual([
      "no effect: cluster.data_dir: a broker keeps everything in its data_dir",
    ]);
  });

  test("a full broker.yaml, with the cluster on the command line", async () => {
    const { settings, warnings } = await load(SEED_YAML, { ...RAFT, ...ETCD });
    expect(settings.cluster?.discovery).toMatchObject({ type: "etcd", timeoutMs: 5000 });
    const raft = warnings.filter((line) => line.includes("raft."));
    expect(raft).toHaveLength(1);
    expect(raft[0]).toContain("NATS decides the timings");
  });

  test.each([
    ["a flag", "", { "cluster-peers": "a:7001,b:7001" }],
    ["endpoints", "discovery: { type: static, endpoints: [a:7001, b:7001] }", {}],
    ["members", "cluster: { initial_members: [a:7001, b:7001] }", {}],
    ["peers", "cluster: { peers: [{ id: 1, address: a:7001 }, b:7001] }", {}],
    ["memory and a flag", "discovery: { type: memory }", { "cluster-peers": "a:7001,b:7001" }],
  ])("static peers by %s", async (_name, text, flags) => {
    const { settings } = await load(text, { ...RAFT, ...flags });
    expect(settings.cluster?.discovery).toEqual({ type: "static", peers: ["a:7001", "b:7001"] });
  });

  test.each([
    [":7001", { raftHost: "127.0.0.1", raftPort: 7001 }],
    ["[::1]:7001", { raftHost: "::1", raftPort: 7001 }],
    ["broker-0.brokers:7001", { raftHost: "broker-0.brokers", raftPort: 7001 }],
  ])("the raft address %s", async (address, engine) => {
    const { settings } = await byFlags({ "raft-addr": address, "cluster-peers": "a:7001" });
    expect(settings.cluster?.engine).toEqual({ kind: "managed", ...engine });
  });

  test("TARPAN_NATS_SERVER names the program, but does not make a cluster", async () => {
    const environment = { TARPAN_NATS_SERVER: "/opt/nats-server" };
    const { settings } = await loadConfig({ environment, flags: { ...RAFT, ...ETCD } });
    expect(settings.cluster?.engine).toMatchObject({ serverPath: "/opt/nats-server" });
    const alone = await loadConfig({ environment });
    expect(alone.settings.cluster).toBeNull();
    expect(alone.warnings).toEqual([]);
  });

  test("TLS, a password, and etcd's user, all in files", async () => {
    const text = `
cluster_tls_cert_file: own.crt
cluster_tls_key_file: own.key
cluster_tls_ca_file: ca.crt
cluster_password_file: password
discovery:
  { type: etcd, endpoints: "https://a:2379", username: u, password_file: p, tls_ca_file: c }`;
    const { settings, warnings } = await load(text, RAFT);
    expect(settings.cluster).toMatchObject({
      engine: {
        tls: { certFile: "own.crt", keyFile: "own.key", caFile: "ca.crt" },
        passwordFile: "password",
      },
      discovery: { user: { name: "u", passwordFile: "p" }, tls: { caFile: "c" } },
    });
    expect(warnings).toEqual([]);
  });

  test("warns of keys that the chosen discovery does not use", async () => {
    const { warnings } = await byFlags({ ...RAFT, ...ETCD, "cluster-peers": "a:7001" });
    expect(warnings).toEqual(["no effect: cluster_peers: discovery.type is etcd"]);
  });

  test.each([
    ["10.0.0.1:2379", true],
    ["http://etcd:2379", true],
    ["localhost:2379", false],
    ["http://127.0.0.1:2379", false],
    ["https://etcd:2379", false],
  ])("warns if the password of etcd can be read on the network: %s", async (endpoint, isWarned) => {
    const text = "discovery: { username: u, password_file: f }";
    const { warnings } = await load(text, { ...RAFT, ...ETCD, "discovery-endpoints": endpoint });
    const why = `broker.yaml:1: discovery.username: the password goes to ${endpoint} without`;
    expect(warnings).toEqual(isWarned ? [expect.stringContaining(why)] : []);
  });
});

describe("a cluster on existing NATS servers", () => {
  test("by URL, with credentials from the environment", async () => {
    const environment = { TARPAN_ENGINE_URL: "nats://tarpan:secret@a:4222,b" };
    const { settings, warnings } = await loadConfig({ environment });
    expect(settings).toMatchObject({
      storage: "jetstream",
      cluster: {
        engine: { kind: "external" },
        discovery: { type: "static", peers: [] },
      },
    });
    const { engine } = settings.cluster as { engine: ExternalEngine };
    expect(engine.urls.reveal()).toEqual(["nats://tarpan:secret@a:4222", "b"]);
    expect(inspect(settings) + JSON.stringify(settings)).not.toContain("secret");
    expect(warnings).toEqual([]);
  });

  test("with credentials and certificates in files", async () => {
    const files = { "cluster-tls-ca-file": "ca.crt", "engine-credentials-file": "nats.creds" };
    const { settings, warnings } = await byFlags({ "engine-url": "tls://tarpan@a", ...files });
    expect(settings.cluster?.engine).toMatchObject({
      tls: { caFile: "ca.crt" },
      credentialsFile: "nats.creds",
    });
    expect(warnings).toEqual([]);
  });

  test("warns that it needs no discovery", async () => {
    const { warnings } = await byFlags({ "engine-url": "nats://a", ...ETCD });
    expect(warnings).toEqual([
      "no effect: discovery.type, discovery.endpoints: the NATS servers of engine_url know each other",
    ]);
  });
});

describe("contradictions are refused in one line that says what to change", () => {
  test.each<[string, Flags, string]>([
    ["", RAFT, "raft address 127.0.0.1:7001: the brokers can't find each other: give"],
    ["discovery: { type: memory }", RAFT, "--discovery-type etcd with --discovery-endpoints"],
    ["", { ...RAFT, "discovery-type": "static" }, "--cluster-peers"],
    [
      "",
      { ...RAFT, "discovery-type": "etcd" },
      "--discovery-type: etcd needs --discovery-endpoints",
    ],
    ["", { ...RAFT, ...ETCD, "engine-url": "nats://a" }, "choose one of them"],
    ["", { ...RAFT, ...ETCD, storage: "memory" }, "--storage: a cluster keeps its records in NATS"],
    ["storage: segment", { "engine-url": "nats://a" }, "broker.yaml:1: storage: a cluster keeps"],
    ["", ETCD, "--discovery-type: is for a cluster, which also needs the address"],
    ["", { "discovery-endpoints": "a:2379" }, "--discovery-endpoints: is for a cluster"],
    ["", { "cluster-peers": "a:7001" }, "--cluster-peers: is for a cluster"],
    ["", { storage: "jetstream" }, "--storage: jetstream is for a cluster: give --raft-addr"],
    ["cluster: { enabled: true }", {}, "broker.yaml:1: cluster.enabled: needs the address that"],
    ["", { "raft-addr": "7001" }, "--raft-addr: must be HOST:PORT, such as 127.0.0.1:7001"],
    ["", { "raft-addr": "a:70000" }, "--raft-addr: must be HOST:PORT"],
    [
      "",
      { "raft-addr": "0.0.0.0:7001" },
      "--raft-addr: is the address that other brokers connect to",
    ],
    ["", { "cluster-peers": "a:7001,b" }, "--cluster-peers: must be HOST:PORT"],
    ["", { "discovery-endpoints": "http://a" }, "--discovery-endpoints: must be HOST:PORT"],
    ["", { "engine-url": "http://u:hidden@a" }, "--engine-url: must be nats://HOST:PORT"],
    [
      "",
      { "engine-url": "nats://u:hidden@a" },
      "--engine-url: has a password, and every user of this machine can read command lines",
    ],
    ["", { "engine-url": "hidden@a" }, "--engine-url: has a password"],
    [
      "",
      { "engine-url": "a", "cluster-password-file": "f" },
      "--cluster-password-file: is for raft_addr; for engine_url set engine_credentials_file",
    ],
    [
      "cluster_tls_key_file: f",
      { "engine-url": "a" },
      "broker.yaml:1: cluster_tls_key_file: needs cluster_tls_cert_file, too",
    ],
    [
      "",
      { ...RAFT, ...ETCD, "engine-credentials-file": "f" },
      "--engine-credentials-file: is for engine_url; brokers use cluster_password_file",
    ],
    [
      "cluster_tls_ca_file: f",
      { ...RAFT, ...ETCD },
      "broker.yaml:1: cluster_tls_ca_file: needs cluster_tls_cert_file, too",
    ],
    [
      "discovery: { username: u }",
      { ...RAFT, ...ETCD },
      "broker.yaml:1: discovery.username: needs discovery.password_file, too",
    ],
    [
      "discovery: { tls_ca_file: f }",
      { ...RAFT, ...ETCD },
      "broker.yaml:1: discovery.tls_ca_file: is for https:// endpoints, and 127.0.0.1:2379 is none",
    ],
    [
      "",
      { "discovery-endpoints": "http://u:hidden@a:2379" },
      "--discovery-endpoints: must have no password in an address: set discovery.username",
    ],
    [
      "",
      { kafka: ["listener.name.outside.ssl.key.password=hidden"] },
      "--kafka listener.name.outside.ssl.key.password: is a secret, and every user of this machine",
    ],
    [
      "discovery: { timeout: 0 }",
      { ...RAFT, ...ETCD },
      "broker.yaml:1: discovery.timeout: must be",
    ],
  ])("%j %j", async (text, flags, message) => {
    const error: Error = await load(text, flags).then(
      () => new Error("nothing was refused"),
      (reason) => reason,
    );
    expect(error).toMatchObject({ name: "ConfigError", code: "TARPAN_CONFIG" });
    expect(error.message).toContain(message);
    expect(error.message).not.toMatch(/\n|hidden/);
  });
});

test("a standalone broker warns of cluster keys without effect", async () => {
  const { settings, warnings } = await load(SEED_JSON, { "enable-follower-read": true });
  expect(settings).toMatchObject({ storage: "segment", cluster: null });
  expect(warnings.join("\n")).toContain("cluster.raft_address");
  expect(warnings.join("\n")).toContain("enable_follower_read: a single broker has no followers");
});
