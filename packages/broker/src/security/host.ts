import { WILDCARD } from "./acl.ts";

const IPV4_IN_IPV6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * The host of an ACL in the form in which a connection has its address. An IPv6 address can be
 * written in several ways; Kafka's own is the long one, `0:0:0:0:0:0:0:1`.
 */
export function canonicalHost(host: string): string {
  if (host === WILDCARD || !host.includes(":")) return host;
  const inner = IPV4_IN_IPV6.exec(host)?.[1];
  if (inner !== undefined) return inner;
  const url = `http://[${host}]`;
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : host;
}
