// Kafka's lists of listeners: `NAME://host:port`, where the name is mapped to a protocol.
import { ValueError } from "../values.ts";

/** Kafka's `SecurityProtocol`, with its numbers. */
export const SecurityProtocol = { PLAINTEXT: 0, SSL: 1, SASL_PLAINTEXT: 2, SASL_SSL: 3 } as const;

export type SecurityProtocolName = keyof typeof SecurityProtocol;

/** IPv6 hosts are without brackets; no host means all addresses. */
export interface ListenerAddress {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** An address that clients come to. */
export interface ClientListener extends ListenerAddress {
  readonly protocol: SecurityProtocolName;
}

const LISTENER = /^([A-Za-z0-9_]+):\/\/(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]*)):(\d{1,5})$/;

/** Why a value of `listeners` is malformed; null if it is not. */
export function listenersProblem(list: string): string | null {
  return parsed(list).includes(null) ? "must be like PLAINTEXT://host:port" : null;
}

/** The same for `advertised.listeners`, where clients need a host and a port to connect to. */
export function advertisedProblem(list: string): string | null {
  const all = parsed(list);
  const usable = all.every((one) => one !== null && one.host !== "" && one.port > 0);
  return usable && all.length > 0 ? null : "must be like PLAINTEXT://host:port";
}

/** Why a value of `listener.security.protocol.map` is malformed; null if it is not. */
export function protocolMapProblem(map: string): string | null {
  const known = pairs(map).every(([name, protocol]) => name !== "" && protocol in SecurityProtocol);
  return known ? null : `must be like NAME:${Object.keys(SecurityProtocol).join("|")}`;
}

/** The configs that say what the names of listeners mean. */
export interface ListenerNames {
  /** `listener.security.protocol.map`: `NAME:PROTOCOL,…`. */
  readonly protocols: string | undefined;
  /** `controller.listener.names`. */
  readonly controllers: string | undefined;
}

export function namesIn(configs: Readonly<Record<string, string>>): ListenerNames {
  return {
    protocols: configs["listener.security.protocol.map"],
    controllers: configs["controller.listener.names"],
  };
}

/**
 * The listeners for clients in a list. Throws ValueError for a name without a protocol, and for
 * names and ports that are listed twice. As in Kafka, one port may have an IPv4 and an IPv6
 * address.
 */
export function clientListeners(list: string, names: ListenerNames): ClientListener[] {
  const protocolOf = new Map(
    names.protocols === undefined
      ? Object.keys(SecurityProtocol).map((protocol) => [protocol, protocol])
      : pairs(names.protocols),
  );
  const listeners = forClients(list, names).map((listener) => {
    const protocol = protocolOf.get(listener.name);
    if (protocol !== undefined) return { ...listener, protocol: protocol as SecurityProtocolName };
    const text = `listener ${listener.name} has no protocol in listener.security.protocol.map`;
    throw new ValueError(text);
  });
  for (const [i, one] of listeners.entries()) {
    const clash = listeners.slice(0, i).find((other) => clashes(one, other));
    if (clash === undefined) continue;
    throw new ValueError(
      clash.name === one.name
        ? `lists ${one.name} twice`
        : `${clash.name} and ${one.name} have the same port, ${one.port}`,
    );
  }
  return listeners;
}

/** What clients of each listener are told to connect to. Throws ValueError for a name twice. */
export function advertisedListeners(list: string, names: ListenerNames): ListenerAddress[] {
  const advertised = forClients(list, names);
  const all = advertised.map(({ name }) => name);
  const twice = all.find((name, i) => all.indexOf(name) !== i);
  if (twice !== undefined) throw new ValueError(`lists ${twice} twice`);
  return advertised;
}

function forClients(list: string, names: ListenerNames): ListenerAddress[] {
  const controllers = pairs(names.controllers ?? "").map(([name]) => name);
  return parsed(list).flatMap((listener) => {
    return listener === null || controllers.includes(listener.name) ? [] : [listener];
  });
}

function clashes(a: ListenerAddress, b: ListenerAddress): boolean {
  if (a.name === b.name) return true;
  const differ = a.host !== "" && b.host !== "" && a.host.includes(":") !== b.host.includes(":");
  return a.port === b.port && a.port !== 0 && !differ;
}

function parsed(list: string): (ListenerAddress | null)[] {
  return items(list).map((item) => {
    const match = LISTENER.exec(item);
    const port = Number(match?.[4]);
    if (match === null || port > 65_535) return null;
    return { name: match[1]!.toUpperCase(), host: match[2] ?? match[3] ?? "", port };
  });
}

function pairs(list: string): [string, string][] {
  return items(list).map((item) => {
    const [name = "", protocol = ""] = item.toUpperCase().split(":");
    return [name.trim(), protocol.trim()];
  });
}

function items(list: string): string[] {
  const trimmed = list.trim();
  return trimmed === "" ? [] : trimmed.split(",").map((item) => item.trim());
}
