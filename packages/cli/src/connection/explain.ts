// Finds out why a command can't connect, and which option helps. A port does not say that it speaks
// TLS or asks for a log-in: it closes the connection. So it is tried in another way.
import { Client, type ClientOptions } from "@tarpan/client";
import { ErrorCode, SaslHandshake } from "@tarpan/protocol";
import { CommandError } from "../terminal/failures.ts";
import type { ClientSettings } from "./client-settings.ts";

const PROBE_TIMEOUT_MS = 2_000;

/** Node's codes of certificates that it does not trust. */
const UNTRUSTED = [
  ...["SELF_SIGNED_CERT_IN_CHAIN", "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ...["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"],
  "UNABLE_TO_GET_ISSUER_CERT",
];
/** TLS is spoken, and something else is wrong. */
const OF_CERTIFICATES = [...UNTRUSTED, "ERR_TLS_CERT_ALTNAME_INVALID", "CERT_HAS_EXPIRED"];
/** Nobody answers at all. */
const UNREACHABLE = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"];

/** The same error, or one that says what to do about it; `certain` leaves out what may be. */
export async function explained(
  error: unknown,
  settings: ClientSettings,
  { certain = false } = {},
): Promise<unknown> {
  // Its message is for users already.
  if (error instanceof CommandError) return error;
  const hint = await hintFor(error, settings);
  if (hint === null || (certain && hint.startsWith(PERHAPS))) return error;
  return new CommandError(`${(error as Error).message}; ${hint}`, { cause: error });
}

/** Null if nothing is known. */
async function hintFor(error: unknown, settings: ClientSettings): Promise<string | null> {
  const unusable = unusableFiles(settings);
  if (unusable !== null) return unusable;
  const codes = codesOf(error);
  if (codes.some((code) => UNTRUSTED.includes(code))) {
    return "name the authority that signed the broker's certificate: --tls-ca FILE";
  }
  if (codes.includes("ERR_TLS_CERT_ALTNAME_INVALID")) {
    return "the broker needs a certificate with this name, or has to advertise a name that it has";
  }
  if (codes.some((code) => code.endsWith("_CERTIFICATE_REQUIRED"))) return NEEDS_CERTIFICATE;
  if (codes.includes("TARPAN_KAFKA_ILLEGAL_SASL_STATE")) {
    return "this port has no log-in: leave the SASL options out";
  }
  if (!codes.includes("TARPAN_CONNECTION")) return null;
  if (codes.some((code) => UNREACHABLE.includes(code) || OF_CERTIFICATES.includes(code))) {
    return null;
  }
  return settings.tls === undefined ? withoutTls(settings) : withTls(settings);
}

/** What a connection says only in OpenSSL's words, or not at all. */
function unusableFiles({ tls }: ClientSettings): string | null {
  if (tls === undefined) return null;
  const { ca, cert, key, passphrase } = tls;
  if (typeof ca === "string" && !ca.includes("-----BEGIN ")) {
    return "the file of authorities (--tls-ca) must be in PEM, or the truststore of a --command-config";
  }
  const { createSecureContext } = process.getBuiltinModule("node:tls");
  try {
    createSecureContext({ cert, key, passphrase });
    return null;
  } catch {
    return "the client's own certificate and key can't be used: see --tls-cert and --tls-key";
  }
}

const PERHAPS = "perhaps";
const NEEDS_CERTIFICATE = "this port asks for a certificate: add --tls-cert FILE --tls-key FILE";

async function withoutTls(settings: ClientSettings): Promise<string | null> {
  const codes = await tried({ ...settings, tls: {}, sasl: undefined });
  if (codes === null || codes.some((code) => OF_CERTIFICATES.includes(code))) {
    return "this port speaks TLS: add --tls, or --tls-ca FILE for an authority of your own";
  }
  return logInHint(settings);
}

async function withTls(settings: ClientSettings): Promise<string | null> {
  const plain = { ...settings, tls: undefined, sasl: undefined };
  if ((await tried(plain)) === null) {
    return "this port speaks no TLS: leave the TLS options out";
  }
  const logIn = await logInHint(settings);
  if (logIn !== null || settings.tls?.cert !== undefined) return logIn;
  return `${PERHAPS} ${NEEDS_CERTIFICATE}`;
}

/** Asks for a mechanism that does not exist, to be told those that do. */
async function logInHint(settings: ClientSettings): Promise<string | null> {
  if (settings.sasl !== undefined) return null;
  let offered: readonly string[] = [];
  await tried(settings, async (client) => {
    const connection = await client.anyConnection();
    const answer = await connection.request(SaslHandshake, { mechanism: "NONE" });
    if (answer.errorCode === ErrorCode.UNSUPPORTED_SASL_MECHANISM) offered = answer.mechanisms;
  });
  if (offered.length === 0) return null;
  const options = "--sasl-username NAME --sasl-password-file FILE";
  return `this port asks for a log-in (${offered.join(", ")}): add ${options}`;
}

/** Null if it worked, else the codes of the failure. */
async function tried(
  options: ClientOptions,
  work: (client: Client) => Promise<unknown> = (client) => client.anyConnection(),
): Promise<readonly string[] | null> {
  const client = new Client({ ...options, timeoutMs: PROBE_TIMEOUT_MS });
  try {
    await work(client);
    return null;
  } catch (error) {
    return codesOf(error);
  } finally {
    await client.close();
  }
}

/** Of an error and its causes. */
function codesOf(error: unknown): readonly string[] {
  const codes: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === "string") codes.push(code);
  }
  return codes;
}
