// Where tokens of OAUTHBEARER come from.
import { oauthClientCredentials, type TokenOptions } from "@tarpan/client";
import { fileText } from "./files.ts";

/** What the sources say of a token; one of the ways, whole. */
export interface TokenSource {
  /** Of a file that another program keeps new. */
  readonly file?: string | undefined;
  readonly endpointUrl?: string | undefined;
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  readonly scope?: string | undefined;
  readonly headerUrlEncode?: boolean | undefined;
}

/**
 * `labelOf` says how a part is written where it comes from, and `wrong` makes the error to throw if
 * one is missing.
 */
export function tokenOptions(
  source: TokenSource,
  labelOf: Readonly<Record<"file" | "endpointUrl" | "clientId" | "clientSecret", string>>,
  wrong: (message: string) => Error,
): TokenOptions | undefined {
  const { file, endpointUrl, clientId, clientSecret, scope, headerUrlEncode } = source;
  const parts = { endpointUrl, clientId, clientSecret };
  const names = ["endpointUrl", "clientId", "clientSecret"] as const;
  const missing = names.filter((name) => parts[name] === undefined);
  if (file !== undefined) {
    const other = names.find((name) => parts[name] !== undefined);
    if (other !== undefined) {
      throw wrong(`${labelOf.file} and ${labelOf[other]} are set: leave one out`);
    }
    return withToken(async () => (await fileText(file, labelOf.file)).trim());
  }
  if (missing.length === names.length) return undefined;
  if (missing.length > 0) throw wrong(`${labelOf[missing[0]!]} is missing`);
  const oauthBearerProvider = oauthClientCredentials({
    tokenEndpointUrl: endpointUrl!,
    clientId: clientId!,
    clientSecret: clientSecret!,
    scope,
    headerUrlEncode,
  });
  return { mechanism: "OAUTHBEARER", oauthBearerProvider };
}

/** Kafka's form for tests: nobody has signed it. */
export function unsecuredToken(subject: string, wallMs: () => number): TokenOptions {
  return withToken(async () => {
    const iat = Math.floor(wallMs() / 1_000);
    return `${encoded({ alg: "none" })}.${encoded({ sub: subject, iat, exp: iat + HOUR_S })}.`;
  });
}

const HOUR_S = 3_600;

function withToken(read: () => Promise<string>): TokenOptions {
  return {
    mechanism: "OAUTHBEARER",
    oauthBearerProvider: async () => ({ value: await read() }),
  };
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
