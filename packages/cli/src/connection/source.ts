// How to connect to a cluster, from several sources: flags, a file, the environment, a profile.
import type {
  ClientOptions,
  PasswordOptions,
  SaslOptions,
  TlsOptions,
  TokenOptions,
} from "@tarpan/client";
import { CommandError } from "../terminal/failures.ts";

/** What one source says. What it leaves out, the next one says. */
export interface Source {
  readonly bootstrap?: string | undefined;
  readonly clientId?: string | undefined;
  readonly timeoutMs?: number | undefined;
  /** Whether to connect by TLS. */
  readonly tls?: boolean | undefined;
  /** Authorities to trust, in PEM. */
  readonly ca?: string | undefined;
  /** The client's own certificate and key. */
  readonly identity?: Pick<TlsOptions, "cert" | "key" | "passphrase"> | undefined;
  readonly checkHost?: boolean | undefined;
  /** Whether to log in. */
  readonly sasl?: boolean | undefined;
  readonly mechanism?: SaslOptions["mechanism"] | undefined;
  /** Taken whole: the password of one source is not sent with the user name of another. */
  readonly credentials?: Credentials | undefined;
  /** What has to be set for the credentials, for messages. */
  readonly needs: string;
  /** What the source sets only for TLS, and only for log-ins, for messages. */
  readonly onlyForTls?: readonly string[];
  readonly onlyForSasl?: readonly string[];
  /** What the user should know about the source. */
  readonly warnings?: readonly string[];
}

/** A password has the mechanism of its module, unless a source names another. */
export type Credentials = PasswordOptions | TokenOptions;

export interface Merged {
  readonly options: Partial<ClientOptions>;
  readonly warnings: readonly string[];
}

/** The first source that says something is right. */
export function merged(sources: readonly Source[]): Merged {
  const first = <K extends keyof Source>(key: K): Source[K] | undefined =>
    sources.find((source) => source[key] !== undefined)?.[key];
  const hasTls = first("tls") ?? false;
  const hasSasl = first("sasl") ?? false;
  const tls: TlsOptions = {
    ...(first("ca") !== undefined && { ca: first("ca")! }),
    ...first("identity"),
    ...(first("checkHost") === false && { checkHost: false }),
  };
  return {
    options: {
      ...(first("bootstrap") !== undefined && { bootstrap: first("bootstrap")! }),
      ...(first("clientId") !== undefined && { clientId: first("clientId")! }),
      timeoutMs: first("timeoutMs"),
      ...(hasTls && { tls }),
      ...(hasSasl && { sasl: saslOf(sources) }),
    },
    warnings: sources.flatMap((source) => [
      ...(source.warnings ?? []),
      ...(hasTls ? [] : noEffect(source.onlyForTls, "the connection has no TLS")),
      ...(hasSasl ? [] : noEffect(source.onlyForSasl, "the connection has no SASL")),
    ]),
  };
}

function saslOf(sources: readonly Source[]): SaslOptions {
  const at = sources.findIndex((source) => source.credentials);
  const credentials = sources[at]?.credentials;
  if (credentials === undefined) {
    const asking = sources.find((source) => source.sasl === true)!;
    throw new CommandError(`${asking.needs} is missing`);
  }
  const naming = sources.findIndex((source) => source.mechanism);
  const mechanism = sources[naming]?.mechanism ?? credentials.mechanism;
  if (mechanism === "OAUTHBEARER" || credentials.mechanism === "OAUTHBEARER") {
    // A mechanism that comes after the credentials belongs to others.
    if (mechanism === credentials.mechanism || naming > at) return credentials;
    const { needs } = sources[naming]!;
    throw new CommandError(`${needs} is missing: ${mechanism} needs other credentials`);
  }
  return { ...credentials, mechanism };
}

function noEffect(names: readonly string[] | undefined, why: string): string[] {
  return (names ?? []).map((name) => `${name} has no effect: ${why}`);
}
