// TLS and credentials between brokers, of external NATS servers and of etcd. A setting that would
// protect nothing is refused.
import { ConfigError } from "./config-error.ts";
import type { KeyName, Values } from "./keys.ts";
import type { ClusterTls, EtcdDiscovery, ExternalEngine, ManagedEngine } from "./settings.ts";
import type { Given } from "./sources.ts";

type GivenKeys = ReadonlyMap<KeyName, Given>;

/** Throws ConfigError. */
export function managedSecurity(
  values: Values,
  given: GivenKeys,
): Pick<ManagedEngine, "tls" | "passwordFile"> {
  refuse(given, "engine_credentials_file", "is for engine_url; brokers use cluster_password_file");
  const tls = clusterTlsOf(values);
  const passwordFile = values.cluster_password_file;
  for (const name of CLUSTER_TLS) {
    if (Object.keys(tls).length === 0 || values[name] !== undefined) continue;
    const one = CLUSTER_TLS.find((other) => values[other] !== undefined)!;
    throw new ConfigError(`${given.get(one)!.where}: needs ${name}, too`);
  }
  return {
    ...(Object.keys(tls).length > 0 && { tls: tls as ClusterTls }),
    ...(passwordFile !== undefined && { passwordFile }),
  };
}

/** Throws ConfigError. */
export function externalSecurity(
  values: Values,
  given: GivenKeys,
): Pick<ExternalEngine, "tls" | "credentialsFile"> {
  const { where, value } = given.get("engine_url")!;
  const credentialsFile = values.engine_credentials_file;
  refuse(
    given,
    "cluster_password_file",
    "is for raft_addr; for engine_url set engine_credentials_file",
  );
  if (where.startsWith("--") && hasSecret(value as string[], credentialsFile !== undefined))
    throw new ConfigError(
      `${where}: has a password, and every user of this machine can read command lines: put it ` +
        "into a file (--engine-credentials-file), or set TARPAN_ENGINE_URL",
    );
  const tls = clusterTlsOf(values);
  refuseHalfAPair("cluster_tls_cert_file", "cluster_tls_key_file", given);
  return {
    ...(Object.keys(tls).length > 0 && { tls }),
    ...(credentialsFile !== undefined && { credentialsFile }),
  };
}

/** As in NATS, a user without a password is a token; with a file, it is the user's name. */
function hasSecret(urls: readonly string[], hasFile: boolean): boolean {
  return urls.some((url) => {
    const credentials = /^(?:\w+:\/\/)?([^@]+)@/.exec(url)?.[1];
    return credentials !== undefined && (credentials.includes(":") || !hasFile);
  });
}

/** Throws ConfigError. */
export function etcdSecurity(
  values: Values,
  given: GivenKeys,
  endpoints: readonly string[],
): Pick<EtcdDiscovery, "tls" | "user"> {
  refuseHalfAPair("discovery.username", "discovery.password_file", given);
  refuseHalfAPair("discovery.tls_cert_file", "discovery.tls_key_file", given);
  const plain = endpoints.find((endpoint) => !endpoint.startsWith("https://"));
  for (const name of ETCD_TLS) {
    if (plain === undefined) break;
    refuse(given, name, `is for https:// endpoints, and ${plain} is none`);
  }
  const tls = tlsOf(values, ETCD_TLS);
  const name = values["discovery.username"];
  return {
    ...(Object.keys(tls).length > 0 && { tls }),
    ...(name !== undefined && {
      user: { name, passwordFile: values["discovery.password_file"]! },
    }),
  };
}

const CLUSTER_TLS = [
  "cluster_tls_cert_file",
  "cluster_tls_key_file",
  "cluster_tls_ca_file",
] as const;
const ETCD_TLS = [
  "discovery.tls_cert_file",
  "discovery.tls_key_file",
  "discovery.tls_ca_file",
] as const;

function clusterTlsOf(values: Values): Partial<ClusterTls> {
  return tlsOf(values, CLUSTER_TLS);
}

function tlsOf(
  values: Values,
  [cert, key, ca]: typeof CLUSTER_TLS | typeof ETCD_TLS,
): Partial<ClusterTls> {
  const [certFile, keyFile, caFile] = [values[cert], values[key], values[ca]];
  return {
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
    ...(caFile !== undefined && { caFile }),
  };
}

function refuseHalfAPair(one: KeyName, other: KeyName, given: GivenKeys): void {
  for (const [name, missing] of [
    [one, other],
    [other, one],
  ] as const) {
    if (given.has(name) && !given.has(missing))
      throw new ConfigError(`${given.get(name)!.where}: needs ${missing}, too`);
  }
}

function refuse(given: GivenKeys, name: KeyName, why: string): void {
  const one = given.get(name);
  if (one !== undefined) throw new ConfigError(`${one.where}: ${why}`);
}
