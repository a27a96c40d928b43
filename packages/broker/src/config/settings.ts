import type { Secret } from "../util/secret.ts";

/**
 * The validated settings of a broker, made from flags, environment and file by `config/`, or from
 * `BrokerOptions` when embedded. They never change while the broker runs: configs that may change
 * (Kafka's dynamic configs) are in the metadata image.
 */
export interface BrokerSettings {
  /** Kafka's numeric broker id, 0 … 2^31-1. */
  readonly nodeId: number;
  /** The operator's name for the broker, if its id is a hash of that. */
  readonly nodeName?: string;
  /** Address to listen on. */
  readonly bindAddress: string;
  /** Port to listen on, 0 for any free one. */
  readonly bindPort: number;
  readonly storage: "memory" | "segment" | "jetstream";
  /** Data directory of the segment engine and of a managed nats-server. */
  readonly dataDirectory: string;
  readonly flush: FlushPolicy;
  /** Memory for the newest batches of all partitions. Left out: a share of the machine's. */
  readonly readCacheBytes?: number;
  /** Further names by which HTTP clients may ask this broker, in lower case. Left out: none. */
  readonly httpHosts?: readonly string[];
  /** Kafka broker configs given at start (`num.partitions` …), by Kafka's names, validated. */
  readonly kafkaConfigs: Readonly<Record<string, string>>;
  /** Present with storage `jetstream`, and only then. */
  readonly cluster: ClusterSettings | null;
  readonly initialAdmin?: InitialAdminSettings;
}

/** A super user. The broker that begins the metadata of a new cluster makes it. */
export interface InitialAdminSettings {
  readonly name: string;
  /** Where its password is; null if it is not given. */
  readonly password: { readonly file: string } | Secret | null;
}

/** How a broker is part of a cluster. */
export interface ClusterSettings {
  readonly engine: ManagedEngine | ExternalEngine;
  readonly discovery: StaticDiscovery | EtcdDiscovery;
  /** Whether brokers that do not lead a partition may serve its consumers (KIP-392). */
  readonly followerRead: boolean;
  /** Accept a nats-server older than is safe (see docs/cluster.md). */
  readonly allowOldEngine: boolean;
}

/** The broker runs its own nats-server. */
export interface ManagedEngine {
  readonly kind: "managed";
  /** The address at which the nats-servers of other brokers reach this one. */
  readonly raftHost: string;
  readonly raftPort: number;
  /** Path of the nats-server to run. Default: the one on PATH. */
  readonly serverPath?: string;
  /** Left out: connections between nats-servers are not encrypted. */
  readonly tls?: ClusterTls;
  /** The file with the password that all brokers of the cluster share. */
  readonly passwordFile?: string;
}

/** Files in PEM: what a nats-server shows others, and the authorities that it trusts. */
export interface ClusterTls {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

/** Existing NATS servers. */
export interface ExternalEngine {
  readonly kind: "external";
  /** `nats://host:port` each. Any one of them tells the addresses of the others. */
  readonly urls: Secret<readonly string[]>;
  /** A password, token, nkey or `.creds`: what the file contains says which. */
  readonly credentialsFile?: string;
  /** The broker's certificate, and the authorities to trust. Left out: those that Node trusts. */
  readonly tls?: Partial<ClusterTls>;
}

export interface StaticDiscovery {
  readonly type: "static";
  /** Raft addresses (`host:port`) of all brokers; may include this one's. */
  readonly peers: readonly string[];
}

export interface EtcdDiscovery {
  readonly type: "etcd";
  /** `host:port` or `http(s)://host:port` each. */
  readonly endpoints: readonly string[];
  /** Timeout of one request to etcd: `discovery.timeout`. */
  readonly timeoutMs: number;
  /** Left out: requests have no user. */
  readonly user?: { readonly name: string; readonly passwordFile: string };
  /** For `https://`. Left out: no client certificate, and the authorities that Node trusts. */
  readonly tls?: Partial<ClusterTls>;
}

/**
 * When an append counts as durable. `always`: after an fdatasync, which waiting appends share.
 * `interval`: at once; synced every `intervalMs`. `never`: at once; the operating system decides
 * when to sync. A power failure can lose records that were not synced.
 */
export type FlushPolicy =
  | { readonly mode: "always" }
  | { readonly mode: "interval"; readonly intervalMs: number }
  | { readonly mode: "never" };
