// Parses the addresses of other brokers, etcd and NATS.
import { list, type Parse, refuse, ValueError } from "./values.ts";

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_HOST = "127.0.0.1";
/** All interfaces: a server can listen on these, but no client can connect to them. */
const ANY_HOST = ["0.0.0.0", "::", "*"];

/** `host:port`, `[::1]:port`, or `:port` on the loopback address. */
export const hostPort: Parse<HostPort> = (value) => {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^\s:/@[\]]*)):(\d{1,5})$/.exec(String(value));
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535)
    refuse("HOST:PORT, such as 127.0.0.1:7001", value);
  const host = match![1] ?? (match![2] || DEFAULT_HOST);
  if (ANY_HOST.includes(host))
    throw new ValueError(`is the address that other brokers connect to, which can't be ${host}`);
  return { host, port };
};

export function addressText({ host, port }: HostPort): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Whether nobody on the network reaches this host, as an operator writes it. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Raft addresses: `host:port` each, or the JSON form's `{ "id": 1, "address": "host:port" }`. */
export const peerAddresses: Parse<readonly string[]> = (value) => {
  const items = Array.isArray(value) ? value : list(value);
  const plain = items.map((item: unknown) =>
    typeof item === "object" && item !== null && "address" in item ? item.address : item,
  );
  return plain.map((item) => addressText(hostPort(item)));
};

/** `host:port`, or `http(s)://host:port`. */
export const etcdEndpoints: Parse<readonly string[]> = (value) =>
  list(value).map((endpoint) => {
    if (endpoint.includes("@"))
      throw new ValueError(
        "must have no password in an address: set discovery.username and discovery.password_file",
      );
    etcdHost(endpoint);
    return endpoint;
  });

export function etcdHost(endpoint: string): string {
  return hostPort(endpoint.replace(/^https?:\/\//, "").replace(/\/$/, "")).host;
}

/** A refused value is not shown, because it may contain a password. */
export const engineUrls: Parse<readonly string[]> = (value) => {
  const urls = list(value);
  for (const url of urls) {
    const form = /^(?:(?:nats|tls):\/\/)?(?:[^@/\s]+@)?([^@/\s]+)\/?$/.exec(url);
    if (form === null || !URL.canParse(url.includes("://") ? url : `nats://${url}`))
      throw new ValueError("must be nats://HOST:PORT, several separated by commas");
  }
  return urls.length > 0 ? urls : refuse("nats://HOST:PORT", value);
};

/** Names without a port, such as `queue.example.com`. */
export const hostNames: Parse<readonly string[]> = (value) => {
  const names = list(value).map((name) => name.toLowerCase());
  const wrong = names.find((name) => !/^[a-z0-9._-]+$/.test(name));
  return wrong === undefined ? names : refuse("names without a port, as a.example.com", wrong);
};
