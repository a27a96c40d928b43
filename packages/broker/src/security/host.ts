import { WILDCARD } from "./acl.ts";

const IPV4_IN_HEX = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;
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
  if (!URL.canParse(url)) return host;
  const short = new URL(url).hostname.slice(1, -1);
  const [, high = "", low = ""] = IPV4_IN_HEX.exec(short) ?? [];
  if (low === "") return short;
  const bytes = [high, low].flatMap((text) => [parseInt(text, 16) >> 8, parseInt(text, 16) & 255]);
  return bytes.join(".");
}
