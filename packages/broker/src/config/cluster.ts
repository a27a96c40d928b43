// The settings of a cluster. Contradictions are refused, and the error names the key to change.

import { Secret } from "../util/secret.ts";
import {
  addressText,
  etcdHost,
  type HostPort,
  isLoopbackHost,
  peerAddresses,
} from "./addresses.ts";
import { etcdSecurity, externalSecurity, managedSecurity } from "./cluster-security.ts";
import { ConfigError } from "./config-error.ts";
import type { KeyName, Values } from "./keys.ts";
import type { ClusterSettings, ManagedEngine } from "./settings.ts";
import type { Given } from "./sources.ts";

const DEFAULT_DISCOVERY_TIMEOUT_MS = 5000;

/** Keys that need a cluster. */
const NEED_A_CLUSTER: readonly KeyName[] = ["cluster_peers", "discovery.endpoints"];

const OF_ETCD = [
  ...(["discovery.username", "discovery.password_file"] as const),
  ...(["discovery.tls_ca_file", "discovery.tls_cert_file", "discovery.tls_key_file"] as const),
] as const;

/** Null for a single broker. Throws ConfigError. */
export function clusterSettings(
  values: Values,
  given: ReadonlyMap<KeyName, Given>,
): { cluster: ClusterSettings | null; warnings: readonly string[] } {
  const where = (key: KeyName) => given.get(key)!.where;
  const managed = values.raft_addr !== undefined || values["cluster.enabled"] === true;
  const external = values.engine_url !== undefined;
  if (!managed && !external) {
    refuseHalfACluster(values, where);
    return { cluster: null, warnings: [] };
  }
  if (values.raft_addr !== undefined && external)
    throw new ConfigError(
      `${where("raft_addr")}: runs a nats-server, and ${where("engine_url")} uses one that runs ` +
        "already: choose one of them",
    );
  if (values.storage === "memory" || values.storage === "segment")
    throw new ConfigError(
      `${where("storage")}: a cluster keeps its records in NATS JetStream: leave it out`,
    );
  const common = {
    followerRead: values.enable_follower_read ?? false,
    allowOldEngine: values.allow_old_engine ?? false,
  };
  if (external) {
    const urls = new Secret(values.engine_url!);
    const engine = { kind: "external", urls, ...externalSecurity(values, given) } as const;
    const cluster = { engine, discovery: { type: "static", peers: [] } as const, ...common };
    return { cluster, warnings: externalWarnings(given) };
  }
  const engine = { ...managedEngine(values, where), ...managedSecurity(values, given) };
  const discovery = discoveryOf(values, given, engine);
  return { cluster: { engine, discovery, ...common }, warnings: managedWarnings(values, given) };
}

function refuseHalfACluster(values: Values, where: (key: KeyName) => string): void {
  const type = values["discovery.type"];
  const asks =
    type !== undefined && type !== "memory"
      ? "discovery.type"
      : NEED_A_CLUSTER.find((key) => (values[key] as readonly string[] | undefined)?.length);
  if (asks !== undefined)
    throw new ConfigError(
      `${where(asks)}: is for a cluster, which also needs the address that the other brokers ` +
        "reach this one at: --raft-addr HOST:PORT",
    );
  if (values.storage === "jetstream")
    throw new ConfigError(
      `${where("storage")}: jetstream is for a cluster: give --raft-addr HOST:PORT or --engine-url URL`,
    );
}

function managedEngine(values: Values, where: (key: KeyName) => string): ManagedEngine {
  const address: HostPort | undefined = values.raft_addr ?? values["cluster.raft_address"];
  if (address === undefined)
    throw new ConfigError(
      `${where("cluster.enabled")}: needs the address that the other brokers reach this one at: ` +
        "raft_addr (--raft-addr HOST:PORT)",
    );
  const path = values.nats_server;
  const engine = { kind: "managed", raftHost: address.host, raftPort: address.port } as const;
  return path === undefined ? engine : { ...engine, serverPath: path };
}

function discoveryOf(
  values: Values,
  given: ReadonlyMap<KeyName, Given>,
  { raftHost, raftPort }: ManagedEngine,
): ClusterSettings["discovery"] {
  const where = (key: KeyName) => given.get(key)!.where;
  const endpoints = values["discovery.endpoints"] ?? [];
  const listed = [
    ...(values.cluster_peers ?? []),
    ...(values["cluster.peers"] ?? []),
    ...(values["cluster.initial_members"] ?? []),
  ];
  if (values["discovery.type"] === "etcd") {
    if (endpoints.length === 0)
      throw new ConfigError(
        `${where("discovery.type")}: etcd needs --discovery-endpoints, such as 127.0.0.1:2379`,
      );
    const timeoutMs = values["discovery.timeout"] ?? DEFAULT_DISCOVERY_TIMEOUT_MS;
    if (timeoutMs === 0)
      throw new ConfigError(`${where("discovery.timeout")}: must be greater than 0`);
    return { type: "etcd", endpoints, timeoutMs, ...etcdSecurity(values, given, endpoints) };
  }
  if (values["discovery.type"] === "static" && endpoints.length > 0) {
    try {
      listed.push(...peerAddresses(endpoints));
    } catch (error) {
      throw new ConfigError(`${where("discovery.endpoints")}: ${(error as Error).message}`);
    }
  }
  if (listed.length === 0)
    throw new ConfigError(
      `raft address ${addressText({ host: raftHost, port: raftPort })}: the brokers can't find each ` +
        "other: give --discovery-type etcd with --discovery-endpoints, or --cluster-peers A,B",
    );
  return { type: "static", peers: [...new Set(listed)] };
}

/** Keys without effect when the NATS servers exist already. */
function externalWarnings(given: ReadonlyMap<KeyName, Given>): string[] {
  const unused: readonly KeyName[] = [
    ...(["discovery.type", "discovery.endpoints", "discovery.timeout", "cluster_peers"] as const),
    ...(["cluster.peers", "cluster.initial_members", "cluster.raft_address"] as const),
    ...OF_ETCD,
  ];
  const names = unused.filter((name) => given.has(name) && given.get(name)!.value !== "memory");
  if (names.length === 0) return [];
  return [`no effect: ${names.join(", ")}: the NATS servers of engine_url know each other`];
}

function managedWarnings(values: Values, given: ReadonlyMap<KeyName, Given>): string[] {
  const warnings: string[] = [];
  if (values["cluster.enabled"] === false)
    warnings.push(
      `${given.get("cluster.enabled")!.where}: no effect, since ${given.get("raft_addr")!.where} ` +
        "makes this broker part of a cluster",
    );
  const unused =
    values["discovery.type"] === "etcd"
      ? (["cluster_peers", "cluster.peers", "cluster.initial_members"] as const)
      : values["discovery.type"] === "static"
        ? (["discovery.timeout", ...OF_ETCD] as const)
        : (["discovery.endpoints", "discovery.timeout", ...OF_ETCD] as const);
  const names = unused.filter((name) => {
    const value = values[name];
    return Array.isArray(value) ? value.length > 0 : value !== undefined;
  });
  const type = values["discovery.type"] ?? "static";
  if (names.length > 0) warnings.push(`no effect: ${names.join(", ")}: discovery.type is ${type}`);
  if (type === "etcd" && given.has("discovery.username")) {
    const open = (values["discovery.endpoints"] ?? []).find((endpoint) => {
      return !endpoint.startsWith("https://") && !isLoopbackHost(etcdHost(endpoint));
    });
    if (open !== undefined)
      warnings.push(
        `${given.get("discovery.username")!.where}: the password goes to ${open} without ` +
          "encryption: use https:// endpoints",
      );
  }
  return warnings;
}
