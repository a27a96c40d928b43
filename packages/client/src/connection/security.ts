import {
  byteArray,
  type Check,
  callback,
  flag,
  nonEmptyString,
  oneOf,
  optional,
  shape,
} from "../checks/checks.ts";

/** How a client speaks TLS. Without `ca` the authorities that Node knows are trusted. */
export interface TlsOptions {
  /**
   * Certificates of the authorities that sign brokers' certificates, in PEM. `readTruststore` has
   * those of a Java program.
   */
  readonly ca?: string;
  /** The client's own certificate, in PEM, for brokers that ask for one; with `key`. */
  readonly cert?: string;
  /** The key of `cert`, in PEM. */
  readonly key?: string;
  /** Instead of `cert` and `key`: both in PKCS#12, unless it is old: see `readKeystore`. */
  readonly pfx?: Uint8Array;
  /** The password of `key` or `pfx`. */
  readonly passphrase?: string;
  /** The name that the broker's certificate must have. Default: the host that is connected to. */
  readonly serverName?: string;
  /** False accepts a certificate of any host that an authority has signed. Default: true. */
  readonly checkHost?: boolean;
}

/**
 * How a client logs in. If the broker limits sessions, connections log in anew, as Kafka's clients
 * do: between requests, when 85 to 95 % of the time are over (KIP-368).
 */
export type SaslOptions = PasswordOptions | TokenOptions;

export interface PasswordOptions {
  readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
  readonly username: string;
  readonly password: string;
}

export interface TokenOptions {
  readonly mechanism: "OAUTHBEARER";
  /**
   * Called for each log-in; it keeps tokens itself if they are to be used again. It may take as
   * long as a request. `oauthClientCredentials` makes one.
   */
  readonly oauthBearerProvider: TokenProvider;
}

export type TokenProvider = () => Promise<BearerToken>;

export interface BearerToken {
  /** The token, as the client sends it; most often a JWT. */
  readonly value: string;
  /** SASL extensions (KIP-342): names of letters, and values in ASCII. */
  readonly extensions?: Readonly<Record<string, string>>;
}

const text = optional(nonEmptyString);

export const tlsOptions: Check = shape({
  ...{ ca: text, cert: text, key: text, passphrase: text, serverName: text },
  ...{ pfx: optional(byteArray), checkHost: optional(flag) },
});

/** A text that is not shown if it is wrong. */
export const secret: Check = (name, value) =>
  typeof value === "string" && value !== "" ? null : `${name} must be a string that is not empty`;

const withPassword = shape({ username: nonEmptyString, password: secret });
const withToken = shape({ oauthBearerProvider: callback });
const withMechanism = shape({
  mechanism: oneOf("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"),
});

export const saslOptions: Check = (name, value) =>
  withMechanism(name, value) ??
  ((value as SaslOptions).mechanism === "OAUTHBEARER" ? withToken : withPassword)(name, value);
