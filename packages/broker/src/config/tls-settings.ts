// TLS of one listener, by Kafka's configs `ssl.…`.
import { Secret } from "../util/secret.ts";
import { splitList } from "./kafka/definition.ts";
import type { ListenerConfigs } from "./listener-configs.ts";
import { ValueError } from "./values.ts";

export interface TlsSettings {
  /** Whether clients show certificates: never, if they have one, or always. */
  readonly clientAuth: "none" | "requested" | "required";
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** By OpenSSL's names, separated by colons; null for Node's own. */
  readonly ciphers: string | null;
  readonly keystore: Keystore;
  /** Who signs the clients' certificates; null for the authorities that Node knows. */
  readonly truststore: Truststore | null;
  readonly principalMappingRules: string;
}

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** The broker's key and certificates: a file, or texts in PEM. */
export type Keystore =
  | {
      readonly path: string;
      readonly type: StoreType;
      /** Of the store; PEM has none. */
      readonly password: Secret | null;
      /** Of the key in it. */
      readonly keyPassword: Secret | null;
    }
  | { readonly chain: string; readonly key: Secret; readonly keyPassword: Secret | null };

export type Truststore =
  | { readonly path: string; readonly type: StoreType; readonly password: Secret | null }
  | { readonly certificates: string };

/** JKS is Kafka's default. With it and with PKCS12, Java reads files of both kinds. */
export type StoreType = "JKS" | "PEM" | "PKCS12";

const VERSIONS: readonly string[] = ["TLSv1.2", "TLSv1.3"] satisfies TlsVersion[];

/** Throws ValueError, which names the config. */
export function tlsSettingsOf(configs: ListenerConfigs): TlsSettings {
  const versions = splitList(configs("ssl.enabled.protocols") ?? VERSIONS.join(","));
  const unknown = versions.find((version) => !VERSIONS.includes(version));
  if (unknown !== undefined) {
    throw new ValueError(`ssl.enabled.protocols: ${unknown} is not offered, only ${VERSIONS}`);
  }
  const sorted = [...versions].sort() as TlsVersion[];
  return {
    clientAuth: (configs("ssl.client.auth") ?? "none") as TlsSettings["clientAuth"],
    minVersion: sorted[0] ?? "TLSv1.2",
    maxVersion: sorted.at(-1) ?? "TLSv1.3",
    ciphers: ciphersOf(splitList(configs("ssl.cipher.suites") ?? "")),
    keystore: keystoreOf(configs),
    truststore: truststoreOf(configs),
    principalMappingRules: configs("ssl.principal.mapping.rules") ?? "DEFAULT",
  };
}

function keystoreOf(configs: ListenerConfigs): Keystore {
  const type = storeTypeOf(configs, "ssl.keystore.type");
  const path = configs("ssl.keystore.location");
  const chain = configs("ssl.keystore.certificate.chain");
  const key = configs("ssl.keystore.key");
  const keyPassword = configs("ssl.key.password");
  if (path !== null) {
    if (chain !== null || key !== null) {
      const texts = "ssl.keystore.certificate.chain and ssl.keystore.key";
      throw new ValueError(`ssl.keystore.location: set it, or ${texts}, but not both`);
    }
    const password = secret(configs("ssl.keystore.password") ?? keyPassword);
    return { path, type, password, keyPassword: secret(keyPassword) };
  }
  if (chain === null || key === null) {
    throw new ValueError(
      "a listener with TLS needs a certificate: set ssl.keystore.location, or, with " +
        "ssl.keystore.type=PEM, ssl.keystore.certificate.chain and ssl.keystore.key",
    );
  }
  if (type !== "PEM") throw new ValueError("ssl.keystore.key: needs ssl.keystore.type=PEM");
  return { chain, key: new Secret(key), keyPassword: secret(keyPassword) };
}

function secret(text: string | null): Secret | null {
  return text === null ? null : new Secret(text);
}

function truststoreOf(configs: ListenerConfigs): Truststore | null {
  const type = storeTypeOf(configs, "ssl.truststore.type");
  const path = configs("ssl.truststore.location");
  const certificates = configs("ssl.truststore.certificates");
  if (path !== null && certificates !== null) {
    throw new ValueError("ssl.truststore.location: set it, or ssl.truststore.certificates");
  }
  const password = configs("ssl.truststore.password");
  if (password !== null && type === "PEM") {
    throw new ValueError("ssl.truststore.password: a truststore in PEM has no password");
  }
  if (path !== null) return { path, type, password: secret(password) };
  if (certificates === null) return null;
  if (type !== "PEM") {
    throw new ValueError("ssl.truststore.certificates: needs ssl.truststore.type=PEM");
  }
  return { certificates };
}

function storeTypeOf(configs: ListenerConfigs, name: string): StoreType {
  const type = (configs(name) ?? "JKS").toUpperCase();
  if (type === "JKS" || type === "PEM" || type === "PKCS12") return type;
  throw new ValueError(`${name}: must be PEM, PKCS12 or JKS, not ${type}`);
}

/** Kafka has the names of IANA, and OpenSSL names those before TLS 1.3 differently. */
function ciphersOf(suites: readonly string[]): string | null {
  if (suites.length === 0) return null;
  // Loaded here and not imported, because most brokers have no TLS.
  const { getCiphers } = process.getBuiltinModule("node:tls");
  const known = new Set(getCiphers().map((name) => name.toUpperCase()));
  const names = suites.map((suite) => {
    const name = known.has(suite.toUpperCase()) ? suite : openSslName(suite);
    if (known.has(name.toUpperCase())) return name;
    throw new ValueError(`ssl.cipher.suites: ${suite} is not known`);
  });
  return names.join(":");
}

function openSslName(suite: string): string {
  return suite
    .replace(/^TLS_/, "")
    .replace("_WITH_", "_")
    .replace(/AES_(\d+)/, "AES$1")
    .replace(/^(.*CHACHA20_POLY1305)_SHA256$/, "$1")
    .replace(/^RSA_/, "")
    .replaceAll("_", "-");
}
