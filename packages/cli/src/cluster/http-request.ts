import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { request as requestTls } from "node:https";
import { isIP } from "node:net";
import type { ClientOptions } from "@tarpan/client";
import { CommandError } from "../terminal/failures.ts";

export type Security = Pick<ClientOptions, "tls" | "sasl">;

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** Rejects with the error of the network. `address` is `host:port`. */
export async function askByHttp(
  address: string,
  { method, path, timeoutMs }: { method: string; path: string; timeoutMs: number },
  { tls, sasl }: Security,
): Promise<HttpAnswer> {
  const url = new URL(`${tls === undefined ? "http" : "https"}://${address}${path}`);
  const options = {
    method,
    headers: { ...(await logIn({ tls, sasl })), connection: "close" },
    signal: AbortSignal.timeout(timeoutMs),
  };
  const sent =
    tls === undefined
      ? request(url, options)
      : requestTls(url, { ...options, ...tlsOptions(url.hostname, tls) });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return { status: response.statusCode!, text };
}

/** As `@tarpan/client` connects. */
function tlsOptions(hostname: string, options: NonNullable<Security["tls"]>) {
  const { serverName, checkHost = true, ca, cert, key, passphrase } = options;
  const name = serverName ?? hostname.replace(/^\[|\]$/g, "");
  return {
    ...{ cert, key, passphrase },
    ...(ca !== undefined && { ca, allowPartialTrustChain: true }),
    ...(isIP(name) === 0 && { servername: name }),
    ...(!checkHost && { checkServerIdentity: () => undefined }),
  };
}

/** HTTP has no SCRAM, and who logs in by that does not want the password on the network. */
async function logIn({ tls, sasl }: Security): Promise<{ readonly authorization?: string }> {
  if (sasl === undefined) return {};
  if (sasl.mechanism === "OAUTHBEARER") {
    return { authorization: `Bearer ${(await sasl.oauthBearerProvider()).value}` };
  }
  if (tls === undefined && sasl.mechanism !== "PLAIN") {
    const todo = "give --tls-ca, or --sasl-mechanism PLAIN if everybody on the network may read it";
    throw new CommandError(`this command sends the password itself to the broker: ${todo}`);
  }
  const text = Buffer.from(`${sasl.username}:${sasl.password}`).toString("base64");
  return { authorization: `Basic ${text}` };
}
