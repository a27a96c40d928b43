// All configuration keys. A file uses the name as written here, the environment TARPAN_<NAME> (dots
// become underscores), and some have a flag.
import { engineUrls, etcdEndpoints, hostPort, peerAddresses } from "./addresses.ts";
import { MAX_MESSAGE_IDS } from "./kafka/topic-configs.ts";
import {
  durationMs,
  durationOr,
  flag,
  integer,
  oneOf,
  type Parse,
  sizeBytes,
  sizeOr,
  text,
  userName,
} from "./values.ts";

export interface Key<T = unknown> {
  readonly parse: Parse<T>;
  /** As in the help: `--bind-port PORT`. A flag without an argument is a switch. */
  readonly flag?: string;
  readonly help?: string;
  /** Why the key has no effect: the broker logs each reason once at its start. */
  readonly ignored?: keyof typeof WHY_IGNORED;
  /** The same for a cluster, if it differs; null when the key has an effect there. */
  readonly ignoredInCluster?: keyof typeof WHY_IGNORED | null;
}

export const WHY_IGNORED = {
  raft: "a single broker runs no Raft",
  natsTimes: "NATS decides the timings of its Raft groups",
  ownDirectory: "a broker keeps everything in its data_dir",
  cluster: "only a cluster uses it, and this is a single broker",
  followers: "a single broker has no followers to read from",
  batching:
    "the broker writes at once what has arrived; producers choose their batches (batch.size, " +
    "linger.ms)",
} as const;

function key<T>(parse: Parse<T>, rest: Omit<Key<T>, "parse"> = {}): Key<T> {
  return { parse, ...rest };
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const INT32_MAX = 2_147_483_647;
const MIB = 1_048_576;

const raft = { ignored: "raft", ignoredInCluster: "natsTimes" } as const;
const batching = { ignored: "batching" } as const;
const inCluster = { ignored: "cluster", ignoredInCluster: null } as const;

export const KEYS = {
  node_id: key(text, { flag: "--node-id NAME", help: "name or number of this broker" }),
  bind_addr: key(text, { flag: "--bind-addr HOST", help: "address to listen on (127.0.0.1)" }),
  bind_port: key(integer(0, 65_535), {
    flag: "--bind-port PORT",
    help: "port to listen on, 0 for any free one (9092)",
  }),
  data_dir: key(text, { flag: "--data-dir DIR", help: "data directory (./data)" }),
  storage: key(oneOf("segment", "memory", "jetstream"), {
    flag: "--storage KIND",
    help: "segment (files) or memory (no data survives a stop); a cluster has jetstream",
  }),
  flush: key(oneOf("always", "interval", "never"), {
    flag: "--flush WHEN",
    help: "always (fsync before an acknowledgement), interval or never",
  }),
  flush_interval: key(durationMs, {
    flag: "--flush-interval TIME",
    help: "time between syncs under --flush interval (1s)",
  }),
  auto_create_topics: key(flag, {
    flag: "--auto-create-topics BOOL",
    help: "create a topic when a client first uses it (true)",
  }),
  initial_admin: key(userName, {
    flag: "--initial-admin NAME",
    help: "super user that a new cluster begins with",
  }),
  initial_admin_password_file: key(text, {
    flag: "--initial-admin-password-file FILE",
    help: "a file with its password (or TARPAN_INITIAL_ADMIN_PASSWORD)",
  }),
  initial_admin_password: key(text),
  log_dir: key(text, { flag: "--log-dir DIR", help: "log to DIR/broker.log, not the terminal" }),
  "logging.level": key(oneOf("debug", "info", "warn", "error"), {
    flag: "--log-level LEVEL",
    help: "debug, info, warn or error (info)",
  }),
  "logging.file": key(text),
  "logging.max_size": key(sizeOr(MIB)),
  "logging.max_backups": key(integer(0)),
  "logging.max_age": key(durationOr(DAY_MS)),
  "logging.compress": key(flag),

  raft_addr: key(hostPort, {
    flag: "--raft-addr HOST:PORT",
    help: "address for the other brokers of a cluster; runs a nats-server",
  }),
  "discovery.type": key(oneOf("memory", "static", "etcd"), {
    flag: "--discovery-type TYPE",
    help: "how brokers find each other: static (a list) or etcd; memory: one broker",
  }),
  "discovery.endpoints": key(etcdEndpoints, {
    flag: "--discovery-endpoints A,B",
    help: "addresses of etcd, such as 127.0.0.1:2379",
  }),
  "discovery.timeout": key(durationMs),
  "discovery.username": key(text, inCluster),
  "discovery.password_file": key(text, inCluster),
  "discovery.tls_ca_file": key(text, inCluster),
  "discovery.tls_cert_file": key(text, inCluster),
  "discovery.tls_key_file": key(text, inCluster),
  cluster_peers: key(peerAddresses, {
    flag: "--cluster-peers A,B",
    help: "raft addresses of all brokers, instead of discovery",
  }),
  cluster_tls_cert_file: key(text, {
    flag: "--cluster-tls-cert-file FILE",
    help: "this broker's certificate between brokers, in PEM",
    ...inCluster,
  }),
  cluster_tls_key_file: key(text, {
    flag: "--cluster-tls-key-file FILE",
    help: "its key, in PEM and without a password",
    ...inCluster,
  }),
  cluster_tls_ca_file: key(text, {
    flag: "--cluster-tls-ca-file FILE",
    help: "the authorities of the other brokers' certificates",
    ...inCluster,
  }),
  cluster_password_file: key(text, {
    flag: "--cluster-password-file FILE",
    help: "the password that the brokers of a cluster share",
    ...inCluster,
  }),
  engine_url: key(engineUrls, {
    flag: "--engine-url URL",
    help: "existing NATS servers, nats://host:port,…",
  }),
  engine_credentials_file: key(text, {
    flag: "--engine-credentials-file FILE",
    help: "a password, token, nkey or .creds for them",
    ...inCluster,
  }),
  nats_server: key(text),
  allow_old_engine: key(flag, {
    flag: "--allow-old-engine",
    help: "accept a nats-server that is known to lose records",
    ...inCluster,
  }),
  enable_follower_read: key(flag, {
    flag: "--enable-follower-read",
    help: "let brokers that do not lead a partition serve its consumers",
    ignored: "followers",
    ignoredInCluster: null,
  }),
  "cluster.enabled": key(flag),
  "cluster.raft_address": key(hostPort, inCluster),
  "cluster.data_dir": key(text, { ignored: "cluster", ignoredInCluster: "ownDirectory" }),
  "cluster.peers": key(peerAddresses, inCluster),
  "cluster.initial_members": key(peerAddresses, inCluster),
  "raft.rtt_millisecond": key(integer(1), raft),
  "raft.heartbeat_rtt": key(integer(1), raft),
  "raft.election_rtt": key(integer(1), raft),
  "raft.check_quorum": key(flag, raft),
  "raft.snapshot_entries": key(integer(0), raft),
  "raft.compaction_overhead": key(integer(0), raft),
  "raft.max_in_mem_log_size": key(sizeBytes, raft),
  "raft.controller_group_id": key(integer(0), raft),
  "raft.controller_snapshot_freq": key(integer(0), raft),

  "performance.max_batch_size": key(integer(1), batching),
  "performance.max_batch_bytes": key(sizeBytes),
  "performance.batch_timeout": key(durationMs, batching),
  "performance.write_cache_size": key(sizeBytes),
  "performance.read_cache_size": key(sizeBytes),
  "performance.connection_pool_size": key(integer(1, INT32_MAX)),
  "performance.connection_idle_timeout": key(durationMs),
  compression_enabled: key(flag),
  compression_type: key(oneOf("none", "gzip", "zlib", "snappy", "lz4", "zstd")),
  compression_threshold: key(sizeBytes),
  deduplication_enabled: key(flag),
  deduplication_ttl: key(durationOr(HOUR_MS)),
  deduplication_max_size: key(integer(1, MAX_MESSAGE_IDS)),
} as const satisfies Record<string, Key>;

export type KeyName = keyof typeof KEYS;
export type Values = { [K in KeyName]?: ReturnType<(typeof KEYS)[K]["parse"]> };

/** Other names of keys, in the JSON form and the performance section. */
export const ALIASES: Readonly<Record<string, KeyName>> = {
  "server.port": "bind_port",
  "server.log_file": "logging.file",
  "config.data_dir": "data_dir",
  "cluster.node_id": "node_id",
  "performance.compression_type": "compression_type",
  "performance.compression_threshold": "compression_threshold",
};

/**
 * `kafka.<name>` in a file, TARPAN_KAFKA_<NAME>, `--kafka <name>=<value>`: Kafka's broker configs.
 */
export const KAFKA_PREFIX = "kafka.";

export const ENVIRONMENT_PREFIX = "TARPAN_";

/** The environment variable that names the file when the command line has no `--config`. */
export const CONFIG_VARIABLE = "TARPAN_CONFIG";

export function environmentName(key: string): string {
  return `${ENVIRONMENT_PREFIX}${key.toUpperCase().replaceAll(".", "_")}`;
}
