import { ConfigError } from "./config-error.ts";
import {
  advertisedListeners,
  type ClientListener,
  clientListeners,
  namesIn,
  type SecurityProtocolName,
} from "./kafka/listener.ts";
import { LISTENER_CONFIGS } from "./kafka/security-configs.ts";
import { configsOfListener } from "./listener-configs.ts";
import type { BrokerSettings } from "./settings.ts";
import { type TlsSettings, tlsSettingsOf } from "./tls-settings.ts";
import { ValueError } from "./values.ts";

export interface Listener extends ClientListener {
  /** Where its clients are told to connect to; null without `advertised.listeners`. */
  readonly advertised: { readonly host: string; readonly port: number } | null;
  /** Null if its clients speak no TLS. */
  readonly tls: TlsSettings | null;
}

type Bound = Pick<BrokerSettings, "bindAddress" | "bindPort" | "kafkaConfigs">;

/** Every request for metadata asks. */
const known = new WeakMap<Bound, readonly Listener[]>();

/**
 * The listeners for clients, at least one. A single one is at `bindAddress` and `bindPort`, which
 * `listeners` has set if nothing else did. Throws ConfigError for lists that contradict
 * each other.
 */
export function listenersOf(settings: Bound, where = ""): readonly Listener[] {
  const before = known.get(settings);
  if (before !== undefined) return before;
  const listeners = read(settings, where);
  known.set(settings, listeners);
  return listeners;
}

function read(settings: Bound, where: string): readonly Listener[] {
  try {
    const listeners = withSecurity(boundListeners(settings), settings.kafkaConfigs);
    refuseUnusedTls(listeners, settings.kafkaConfigs);
    return listeners;
  } catch (error) {
    if (error instanceof ValueError) throw new ConfigError(`${where}listeners: ${error.message}`);
    throw error;
  }
}

function boundListeners({ bindAddress, bindPort, kafkaConfigs }: Bound): ClientListener[] {
  const listed = clientListeners(kafkaConfigs.listeners ?? "", namesIn(kafkaConfigs));
  const at = { host: bindAddress, port: bindPort };
  if (listed.length === 0) return [{ name: "PLAINTEXT", protocol: "PLAINTEXT", ...at }];
  if (listed.length === 1) return [{ ...listed[0]!, ...at }];
  return listed.map((listener) => ({ ...listener, host: listener.host || "0.0.0.0" }));
}

function withSecurity(
  listeners: readonly ClientListener[],
  kafkaConfigs: BrokerSettings["kafkaConfigs"],
): Listener[] {
  const list = kafkaConfigs["advertised.listeners"] ?? "";
  const advertised = advertisedListeners(list, namesIn(kafkaConfigs));
  const names = listeners.map(({ name }) => name);
  const strange = advertised.find(({ name }) => !names.includes(name));
  if (strange !== undefined) {
    const has = `listeners has only ${names.join(", ")}`;
    throw new ValueError(`advertised.listeners lists ${strange.name}, and ${has}`);
  }
  return listeners.map((listener) => {
    const { name, protocol } = listener;
    if (hasSasl(protocol)) {
      const plain = "this broker has no SASL yet, so everybody could connect";
      throw new ValueError(`listener ${name} is ${protocol}, but ${plain}`);
    }
    const at = advertised.find((one) => one.name === name);
    return {
      ...listener,
      advertised: at === undefined ? null : { host: at.host, port: at.port },
      tls: hasTls(protocol) ? tlsSettingsOf(configsOfListener(kafkaConfigs, name)) : null,
    };
  });
}

function hasTls(protocol: SecurityProtocolName): boolean {
  return protocol === "SSL" || protocol === "SASL_SSL";
}

function hasSasl(protocol: SecurityProtocolName): boolean {
  return protocol === "SASL_PLAINTEXT" || protocol === "SASL_SSL";
}

const OF_LISTENER = /^listener\.name\.([^.]+)\.(.+)$/i;

/** An operator who asks for protection must not get a broker without it. */
function refuseUnusedTls(
  listeners: readonly Listener[],
  kafkaConfigs: BrokerSettings["kafkaConfigs"],
): void {
  for (const [name, value] of Object.entries(kafkaConfigs)) {
    const [, listener, rest = name] = OF_LISTENER.exec(name) ?? [];
    if (!LISTENER_CONFIGS.has(rest) || value.trim() === "") continue;
    const users = listeners.filter(
      (one) => listener === undefined || one.name === listener.toUpperCase(),
    );
    if (users.some(({ tls }) => tls !== null)) continue;
    const of = listener === undefined ? "no listener" : `no listener ${listener.toUpperCase()}`;
    throw new ValueError(
      `${name} is set, and ${of} has the protocol SSL or SASL_SSL, so everybody could connect`,
    );
  }
}
