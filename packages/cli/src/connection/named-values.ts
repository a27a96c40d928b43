// What flags and variables say: both have the same names, `--tls-ca` and TARPAN_TLS_CA.
import type { SaslOptions } from "@tarpan/client";
import { fileText } from "./files.ts";
import type { Credentials, Source } from "./source.ts";
import { tokenOptions } from "./tokens.ts";

export interface NamedValues {
  /** By the name of the flag, without dashes. */
  value(name: string): string | undefined;
  /** As the user has to write it. */
  label(name: string): string;
  /** The error to throw. */
  wrong(message: string): Error;
}

export const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] as const;

const TLS_NAMES = ["tls", "tls-ca", "tls-cert", "tls-key"];
const SASL_NAMES = ["sasl-mechanism", "sasl-username", "sasl-password-file", "sasl-password"];

const OAUTH_NAMES = [
  ...["sasl-oauth-token-file", "sasl-oauth-token-endpoint", "sasl-oauth-client-id"],
  ...["sasl-oauth-client-secret-file", "sasl-oauth-client-secret", "sasl-oauth-scope"],
];

/** All values that say how to connect. */
export const VALUE_NAMES = [...TLS_NAMES, ...SASL_NAMES, ...OAUTH_NAMES];

export async function securityOf(from: NamedValues): Promise<Source> {
  const isGiven = (name: string) => from.value(name) !== undefined;
  const [ca, cert, key] = await Promise.all(
    ["tls-ca", "tls-cert", "tls-key"].map((name) => fileOf(from, name)),
  );
  if ((cert === undefined) !== (key === undefined)) {
    throw from.wrong(`${from.label("tls-cert")} and ${from.label("tls-key")} belong together`);
  }
  const hasTls = TLS_NAMES.some(isGiven);
  const hasSasl = [...SASL_NAMES, ...OAUTH_NAMES].some(isGiven);
  const mechanism = mechanismOf(from);
  const hasToken = mechanism === "OAUTHBEARER" || OAUTH_NAMES.some(isGiven);
  return {
    tls: hasTls ? isOn(from, "tls") : undefined,
    ca,
    identity: cert === undefined ? undefined : { cert, key: key! },
    sasl: hasSasl ? true : undefined,
    mechanism,
    credentials: (await tokenOf(from)) ?? (await credentialsOf(from)),
    needs: from.label(hasToken ? "sasl-oauth-token-file" : "sasl-username"),
  };
}

/** To name a certificate is to ask for TLS. */
function isOn(from: NamedValues, name: string): boolean {
  const text = from.value(name) ?? "true";
  if (text === "true" || text === "false") return text === "true";
  throw from.wrong(`${from.label(name)} must be true or false, not ${JSON.stringify(text)}`);
}

function mechanismOf(from: NamedValues): SaslOptions["mechanism"] | undefined {
  const text = from.value("sasl-mechanism");
  if (text === undefined) return undefined;
  const known = MECHANISMS.find((name) => name === text.toUpperCase());
  if (known !== undefined) return known;
  throw from.wrong(`${from.label("sasl-mechanism")} must be one of ${MECHANISMS.join(", ")}`);
}

/** A flag has no password, because everybody on the machine can read a command line. */
async function credentialsOf(from: NamedValues): Promise<Credentials | undefined> {
  const username = from.value("sasl-username");
  const password = await secretOf(from, "sasl-password");
  if (username === undefined && password === undefined) return undefined;
  if (username === undefined) throw from.wrong(`${from.label("sasl-username")} is missing`);
  if (password === undefined) throw from.wrong(`${from.label("sasl-password-file")} is missing`);
  return { username, password, mechanism: "SCRAM-SHA-512" };
}

async function tokenOf(from: NamedValues): Promise<Credentials | undefined> {
  const source = {
    file: from.value("sasl-oauth-token-file"),
    endpointUrl: from.value("sasl-oauth-token-endpoint"),
    clientId: from.value("sasl-oauth-client-id"),
    clientSecret: await secretOf(from, "sasl-oauth-client-secret"),
    scope: from.value("sasl-oauth-scope"),
  };
  const labels = {
    file: from.label("sasl-oauth-token-file"),
    endpointUrl: from.label("sasl-oauth-token-endpoint"),
    clientId: from.label("sasl-oauth-client-id"),
    clientSecret: from.label("sasl-oauth-client-secret-file"),
  };
  return tokenOptions(source, labels, (message) => from.wrong(message));
}

/** What bytes become that are not UTF-8. */
const REPLACEMENT = "\ufffd";

/** From a file, without the byte order mark that Windows writes, or from a variable. */
async function secretOf(from: NamedValues, name: string): Promise<string | undefined> {
  const file = await fileOf(from, `${name}-file`);
  const text = from.value(name);
  if (file !== undefined && text !== undefined) {
    const both = `${from.label(`${name}-file`)} and ${from.label(name)}`;
    throw from.wrong(`${both} are set: leave one out`);
  }
  if (file?.includes(REPLACEMENT)) {
    throw from.wrong(`${from.label(`${name}-file`)}: the file is not a text in UTF-8`);
  }
  return file?.replace(/^\ufeff|\r?\n$/g, "") ?? text;
}

async function fileOf(from: NamedValues, name: string): Promise<string | undefined> {
  const path = from.value(name);
  return path === undefined ? undefined : fileText(path, from.label(name));
}
