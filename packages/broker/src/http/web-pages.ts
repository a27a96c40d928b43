// What a web page could make a browser do: browsers reach brokers that the page's author does not.
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { HttpError } from "./http-error.ts";

/**
 * Throws HttpError 403 for a change that a web page asks for: a browser sends its user's password
 * or certificate along. With these methods, browsers send an Origin header.
 */
export function refuseChangeByPage({ origin, "sec-fetch-site": site }: IncomingHttpHeaders): void {
  const isTyped = site === undefined || site === "none";
  if (origin === undefined && isTyped) return;
  throw new HttpError(403, "web pages can't change anything");
}

/** Throws HttpError 403 if a page of another site reads. A link that a user follows is no page. */
export function refuseReadByPage({ method, headers }: IncomingMessage): void {
  if (method !== "GET" && method !== "HEAD") return;
  const { "sec-fetch-site": site, "sec-fetch-mode": mode } = headers;
  const isOther = site === "cross-site" || site === "same-site";
  if (isOther && mode !== "navigate") throw new HttpError(403, "pages of other sites can't read");
}

/** Names that nobody can register, so that they are of this machine or network. */
const OWN_NETWORK = /^[a-z\d_-]+$|^[a-z\d._-]+\.(localhost|local|internal|svc)$/;
const IP_ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[[\da-f:.]+\])$/;
const HOST = /^(\[[^\]]*\]|[^:]*)(:\d*)?$/;

/** Throws HttpError 400: Node would use the first one, and a proxy perhaps another. */
export function expectOneHost({ headersDistinct }: IncomingMessage): void {
  if ((headersDistinct.host?.length ?? 0) <= 1) return;
  throw new HttpError(400, "the request has more than one Host header");
}

/**
 * Whether the client asks the broker by an address or by a name that it has. A page of
 * `evil.example` can read whatever that name means, and its owner can give it the address of this
 * broker (DNS rebinding). An address can't be made to mean another one.
 */
export function asksOwnHost(
  { host }: IncomingHttpHeaders,
  isOwnHost: (name: string) => boolean,
): boolean {
  // Only HTTP/1.0 lacks it, which no browser speaks.
  if (host === undefined) return true;
  const name = HOST.exec(host.toLowerCase())?.[1]?.replace(/\.$/, "") ?? ".";
  return IP_ADDRESS.test(name) || OWN_NETWORK.test(name) || isOwnHost(name);
}
