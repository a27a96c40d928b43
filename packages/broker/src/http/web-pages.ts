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
const OWN_NETWORK = /^[a-z\d_-]+$|^[a-z\d._-]+\.(localhost|local|internal|svc|home\.arpa)$/;
/**
 * Top-level domains have letters only, unless they are another script's (`xn--`). So names as
 * SERVICE.NAMESPACE or SERVICE.NETWORK, of containers, are nobody's if their end has another sign.
 */
const NO_DOMAIN = /^[a-z\d._-]+\.(?!xn--)[a-z\d_-]*[\d_-][a-z\d_-]*$/;
const IP_ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[[\da-f:.]+\])$/;
const HOST = /^(\[[^\]]*\]|[^:]*)(:\d*)?$/;

/**
 * Throws HttpError 400 for a header that may come once: Node would use the first one, and a proxy
 * perhaps another.
 */
export function expectOne(name: "Host" | "Authorization", incoming: IncomingMessage): void {
  if ((incoming.headersDistinct[name.toLowerCase()]?.length ?? 0) <= 1) return;
  throw new HttpError(400, `the request has more than one ${name} header`);
}

/**
 * Null if the client asks the broker by an address or by a name that it has; otherwise the name. A
 * page of `evil.example` can read whatever that name means, and its owner can give it the address
 * of this broker (DNS rebinding). An address can't be made to mean another one.
 */
export function strangeHost(
  { host }: IncomingHttpHeaders,
  isOwnHost: (name: string) => boolean,
): string | null {
  // Only HTTP/1.0 lacks it, which no browser speaks.
  if (host === undefined) return null;
  const name = HOST.exec(host.toLowerCase())?.[1]?.replace(/\.$/, "") ?? ".";
  if (IP_ADDRESS.test(name) || OWN_NETWORK.test(name) || NO_DOMAIN.test(name)) return null;
  return isOwnHost(name) ? null : name;
}

const NAME = /^[a-z\d_-]{1,63}(\.[a-z\d_-]{1,63})+$/;

/** What to do about a name of `strangeHost`. Repeats nothing that is no name. */
export function adviceFor(host: string): string {
  const name = NAME.test(host) && host.length <= 253 ? host : "NAME";
  const setting = `"http_hosts: ${name}" (or TARPAN_HTTP_HOSTS=${name})`;
  return `if it should be, add it to the broker's configuration: ${setting}`;
}
