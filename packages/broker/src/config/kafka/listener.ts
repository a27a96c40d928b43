// Kafka's lists of listeners: `NAME://host:port`, where the name is mapped to a protocol.
import { ValueError } from "../values.ts";

/** IPv6 hosts are in brackets; no host means all addresses. */
export interface ListenerAddress {
  readonly host: string;
  readonly port: number;
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

/** The address in `advertised.listeners`; null if unset. Throws as `clientListener` does. */
export function advertisedListener(
  kafkaConfigs: Readonly<Record<string, string>>,
): ListenerAddress | null {
  const list = kafkaConfigs["advertised.listeners"];
  return list === undefined ? null : clientListener(list, namesIn(kafkaConfigs));
}

export function namesIn(configs: Readonly<Record<string, string>>): ListenerNames {
  return {
    protocols: configs["listener.security.protocol.map"],
    controllers: configs["controller.listener.names"],
  };
}

interface ListenerNames {
  /** `listener.security.protocol.map`: `NAME:PROTOCOL,…`. */
  readonly protocols: string | undefined;
  /** `controller.listener.names`. */
  readonly controllers: string | undefined;
}

const KAFKA_PROTOCOLS =
  "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL";

/**
 * The one address for clients in a list of listeners; null if it lists only controllers' listeners.
 * Throws ValueError for a listener that is not PLAINTEXT, and for several addresses.
 */
export function clientListener(list: string, names: ListenerNames): ListenerAddress | null {
  const protocolOf = new Map(pairs(names.protocols ?? KAFKA_PROTOCOLS));
  const controllers = pairs(names.controllers ?? "").map(([name]) => name);
  const [first = null, ...more] = parsed(list).flatMap((listener) => {
    return listener === null || controllers.includes(listener.name) ? [] : [listener];
  });
  for (const { name } of first === null ? [] : [first, ...more]) {
    const protocol = protocolOf.get(name);
    if (protocol === "PLAINTEXT") continue;
    throw new ValueError(
      protocol === undefined
        ? `listener ${name} has no protocol in listener.security.protocol.map`
        : `listener ${name} is ${protocol}, but this broker offers only PLAINTEXT, which would let ` +
            "everybody in",
    );
  }
  if (more.length > 0) throw new ValueError("lists several addresses, and this broker has one");
  return first && { host: first.host, port: first.port };
}

function parsed(list: string): ((ListenerAddress & { readonly name: string }) | null)[] {
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
