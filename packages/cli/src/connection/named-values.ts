// What flags and variables say: both have the same names, `--tls-ca` and TARPAN_TLS_CA.
import type { PasswordOptions } from "@tarpan/client";
import { fileText } from "./files.ts";
import type { Credentials, Source } from "./source.ts";

export interface NamedValues {
  /** By the name of the flag, without dashes. */
  value(name: string): string | undefined;
  /** As the user has to write it. */
  label(name: string): string;
  /** The error to throw. */
  wrong(message: string): Error;
}

export const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;

const TLS_NAMES = ["tls", "tls-ca", "tls-cert", "tls-key"];
const SASL_NAMES = ["sasl-mechanism", "sasl-username", "sasl-password-file", "sasl-password"];

/** All values that say how to connect. */
export const VALUE_NAMES = [...TLS_NAMES, ...SASL_NAMES];

export async function securityOf(from: NamedValues): Promise<Source> {
  const isGiven = (name: string) => from.value(name) !== undefined;
  const [ca, cert, key] = await Promise.all(
    ["tls-ca", "tls-cert", "tls-key"].map((name) => fileOf(from, name)),
  );
  if ((cert === undefined) !== (key === undefined)) {
    throw from.wrong(`${from.label("tls-cert")} and ${from.label("tls-key")} belong together`);
  }
  const hasTls = TLS_NAMES.some(isGiven);
  const hasSasl = SASL_NAMES.some(isGiven);
  return {
    tls: hasTls ? isOn(from, "tls") : undefined,
    ca,
    identity: cert === undefined ? undefined : { cert, key: key! },
    sasl: hasSasl ? true : undefined,
    mechanism: mechanismOf(from),
    credentials: await credentialsOf(from),
    needs: from.label("sasl-username"),
  };
}

/** To name a certificate is to ask for TLS. */
function isOn(from: NamedValues, name: string): boolean {
  const text = from.value(name) ?? "true";
  if (text === "true" || text === "false") return text === "true";
  throw from.wrong(`${from.label(name)} must be true or false, not ${JSON.stringify(text)}`);
}

function mechanismOf(from: NamedValues): PasswordOptions["mechanism"] | undefined {
  const text = from.value("sasl-mechanism");
  if (text === undefined) return undefined;
  const known = MECHANISMS.find((name) => name === text.toUpperCase());
  if (known !== undefined) return known;
  throw from.wrong(`${from.label("sasl-mechanism")} must be one of ${MECHANISMS.join(", ")}`);
}

/** A flag has no password, because everybody on the machine can read a command line. */
async function credentialsOf(from: NamedValues): Promise<Credentials | undefined> {
  const username = from.value("sasl-username");
  const file = await fileOf(from, "sasl-password-file");
  const text = from.value("sasl-password");
  if (file !== undefined && text !== undefined) {
    const both = `${from.label("sasl-password-file")} and ${from.label("sasl-password")}`;
    throw from.wrong(`${both} are set: leave one out`);
  }
  const password = file?.replace(/\r?\n$/, "") ?? text;
  if (username === undefined && password === undefined) return undefined;
  if (username === undefined) throw from.wrong(`${from.label("sasl-username")} is missing`);
  if (password === undefined) throw from.wrong(`${from.label("sasl-password-file")} is missing`);
  return { username, password, mechanism: "SCRAM-SHA-512" };
}

async function fileOf(from: NamedValues, name: string): Promise<string | undefined> {
  const path = from.value(name);
  return path === undefined ? undefined : fileText(path, from.label(name));
}
