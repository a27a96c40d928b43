import {
  byteArray,
  type Check,
  flag,
  nonEmptyString,
  oneOf,
  optional,
  shape,
} from "../checks/checks.ts";

/** How a client speaks TLS. Without `ca` the authorities that Node knows are trusted. */
export interface TlsOptions {
  /** Certificates of the authorities that sign brokers' certificates, in PEM. */
  readonly ca?: string;
  /** The client's own certificate, in PEM, for brokers that ask for one; with `key`. */
  readonly cert?: string;
  /** The key of `cert`, in PEM. */
  readonly key?: string;
  /** Instead of `cert` and `key`: both in PKCS#12. */
  readonly pfx?: Uint8Array;
  /** The password of `key` or `pfx`. */
  readonly passphrase?: string;
  /** The name that the broker's certificate must have. Default: the host that is connected to. */
  readonly serverName?: string;
  /** False accepts a certificate of any host that an authority has signed. Default: true. */
  readonly checkHost?: boolean;
}

/** How a client logs in. */
export interface SaslOptions {
  readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
  readonly username: string;
  readonly password: string;
}

const text = optional(nonEmptyString);

export const tlsOptions: Check = shape({
  ...{ ca: text, cert: text, key: text, passphrase: text, serverName: text },
  ...{ pfx: optional(byteArray), checkHost: optional(flag) },
});

/** A text that is not shown if it is wrong. */
export const secret: Check = (name, value) =>
  typeof value === "string" && value !== "" ? null : `${name} must be a string that is not empty`;

export const saslOptions: Check = shape({
  mechanism: oneOf("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
  username: nonEmptyString,
  password: secret,
});
