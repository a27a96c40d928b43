import { createHmac } from "node:crypto";
import type { ClusterTls, FlushPolicy } from "../config/settings.ts";
import type { Secret } from "../util/secret.ts";
import { LOG_FILE_BYTES, LOG_FILES_KEPT, MAX_PAYLOAD_BYTES, MAX_PENDING_BYTES } from "./limits.ts";
import { serverNameOf, serverTagOf } from "./names.ts";
import { knowsSyncInterval } from "./version.ts";

/** The configuration of a broker's nats-server. */
export interface ServerConfig {
  readonly nodeId: number;
  readonly version: string;
  /** An absolute path: holds streams, log, process id and the configuration itself. */
  readonly directory: string;
  readonly clientPort: number;
  readonly raftHost: string;
  readonly raftPort: number;
  /** Raft addresses of all brokers, this one's too: without a route NATS forms no cluster. */
  readonly peers: readonly string[];
  readonly flush: FlushPolicy;
  readonly users: Users;
  readonly tls: ClusterTls | null;
  /** What the brokers share; null for routes without a password. */
  readonly password: Secret | null;
}

/** Passwords are new at each start of the broker, and no one else knows them. */
export interface Users {
  readonly broker: { readonly user: string; readonly password: string };
  readonly system: { readonly user: string; readonly password: string };
}

export const CLIENT_HOST = "127.0.0.1";
export const CONFIG_FILE = "nats-server.conf";
export const LOG_FILE = "nats-server.log";
export const PID_FILE = "nats-server.pid";
export const CLUSTER_NAME = "tarpan";
export const ACCOUNT = "TARPAN";

/** NATS's `sync_interval`. */
const DEFAULT_SYNC_INTERVAL_MS = 120_000;
/** How long a sync of all streams may take. */
const SYNC_MS = 5000;

/** The value of `sync_interval`. NATS can't turn syncing off: `never` gives its default of 2 m. */
export function syncIntervalOf(flush: FlushPolicy): string {
  if (flush.mode === "always") return "always";
  return flush.mode === "interval" ? `${flush.intervalMs}ms` : "2m";
}

/**
 * How long after its acknowledgement a record is certainly on the disk, ms. `flush` is null for
 * servers that the broker does not run: they may sync as rarely as by default.
 */
export function syncedAfterMs(flush: FlushPolicy | null): number {
  if (flush?.mode === "always") return 0;
  return (flush?.mode === "interval" ? flush.intervalMs : DEFAULT_SYNC_INTERVAL_MS) + SYNC_MS;
}

/** The text of nats-server.conf. It holds passwords. */
export function serverConfigText(config: ServerConfig): string {
  const { directory, users } = config;
  const inside = (name: string) => quoted(`${directory}/${name}`);
  const user = ({ user, password }: Users["broker"]) =>
    `{ user: ${quoted(user)}, password: ${quoted(password)} }`;
  // Only retention limits topics: without max_file_store NATS takes a part of the free space.
  const jetStream = [`store_dir: ${quoted(directory)}`, "max_file_store: 1048576T"];
  if (knowsSyncInterval(config.version))
    jetStream.push(`sync_interval: ${quoted(syncIntervalOf(config.flush))}`);
  return `# Written by the broker at each start: changes are lost.
server_name: ${quoted(serverNameOf(config.nodeId))}
server_tags: [${quoted(serverTagOf(config.nodeId))}]
listen: "${CLIENT_HOST}:${config.clientPort}"
${tlsBlock(config.tls, "")}\
max_payload: ${MAX_PAYLOAD_BYTES}
max_pending: ${MAX_PENDING_BYTES}
log_file: ${inside(LOG_FILE)}
logfile_size_limit: ${LOG_FILE_BYTES}
${config.version.startsWith("2.9.") ? "" : `logfile_max_num: ${LOG_FILES_KEPT}\n`}\
pid_file: ${inside(PID_FILE)}
cluster {
  name: ${CLUSTER_NAME}
  listen: ${quoted(hostAndPort(config.raftHost, config.raftPort))}
  # Each server's client port is for its own broker only.
  no_advertise: true
${routeSecurity(config)}\
  routes: [
${config.peers.map((peer) => `    ${quoted(routeUrl(peer, config.password))}`).join("\n")}
  ]
}
jetstream {
  ${jetStream.join("\n  ")}
}
accounts {
  SYS { users: [${user(users.system)}] }
  ${ACCOUNT} { jetstream: enabled, users: [${user(users.broker)}] }
}
system_account: SYS
`;
}

/** Seconds for a handshake or a log-in: a loaded machine needs more than NATS's default of 2. */
const HANDSHAKE_SECONDS = 5;

function routeSecurity({ raftHost, raftPort, tls, password }: ServerConfig): string {
  // Servers tell each other their addresses; a certificate is for this one.
  const advertise = quoted(hostAndPort(raftHost, raftPort));
  const own = tls === null ? "" : `  advertise: ${advertise}\n${tlsBlock(tls, "  ")}`;
  if (password === null) return own;
  const user = `user: ${ROUTE_USER}, password: ${quoted(routePassword(password))}`;
  return `${own}  authorization { ${user}, timeout: ${HANDSHAKE_SECONDS} }\n`;
}

/** Both sides show a certificate. */
function tlsBlock(tls: ClusterTls | null, indent: string): string {
  if (tls === null) return "";
  const lines = [
    `cert_file: ${quoted(tls.certFile)}`,
    `key_file: ${quoted(tls.keyFile)}`,
    `ca_file: ${quoted(tls.caFile)}`,
    "verify: true",
    `timeout: ${HANDSHAKE_SECONDS}`,
  ];
  return `${indent}tls {\n${lines.map((line) => `${indent}  ${line}\n`).join("")}${indent}}\n`;
}

const ROUTE_USER = "tarpan";

function routeUrl(peer: string, password: Secret | null): string {
  const user = password === null ? "" : `${ROUTE_USER}:${routePassword(password)}@`;
  return `nats-route://${user}${peer}`;
}

/** Made of the password, so that any text can be one, and no file shows what the operator chose. */
function routePassword(password: Secret): string {
  return createHmac("sha256", password.reveal()).update("tarpan route").digest("base64url");
}

export function hostAndPort(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Strings in NATS's configuration have no other escapes. */
function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
