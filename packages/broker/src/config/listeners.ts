import { ConfigError } from "./config-error.ts";
import { BROKER_CONFIGS } from "./kafka/broker-configs.ts";
import {
  advertisedListeners,
  type ClientListener,
  clientListeners,
  namesIn,
  type SecurityProtocolName,
} from "./kafka/listener.ts";
import { CALLBACK_HANDLER_CONFIG, LISTENER_CONFIGS } from "./kafka/security-configs.ts";
import { configsOfListener } from "./listener-configs.ts";
import { type SaslSettings, saslSettingsOf } from "./sasl-settings.ts";
import type { BrokerSettings } from "./settings.ts";
import { type TlsSettings, tlsSettingsOf } from "./tls-settings.ts";
import { ValueError } from "./values.ts";

export interface Listener extends ClientListener {
  /** Where its clients are told to connect to; null without `advertised.listeners`. */
  readonly advertised: { readonly host: string; readonly port: number } | null;
  /** Null if its clients speak no TLS. */
  readonly tls: TlsSettings | null;
  /** Null if its clients need not authenticate by SASL. */
  readonly sasl: SaslSettings | null;
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
    refuseUnused(listeners, settings.kafkaConfigs);
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
    const configs = configsOfListener(kafkaConfigs, name);
    const at = advertised.find((one) => one.name === name);
    return {
      ...listener,
      advertised: at === undefined ? null : { host: at.host, port: at.port },
      tls: hasTls(protocol) ? tlsSettingsOf(configs) : null,
      sasl: hasSasl(protocol) ? saslSettingsOf(configs) : null,
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
function refuseUnused(
  listeners: readonly Listener[],
  kafkaConfigs: BrokerSettings["kafkaConfigs"],
): void {
  for (const [name, value] of Object.entries(kafkaConfigs)) {
    const [, listener, rest = name] = OF_LISTENER.exec(name) ?? [];
    const kind = kindOf(rest);
    if (kind === null || value.trim() === "" || isHarmless(rest, value.trim())) continue;
    refuseStrangeMechanism(name, rest);
    const ofName = listeners.filter(
      ({ name: one }) => listener === undefined || one === listener.toUpperCase(),
    );
    refuseWithoutOauth(name, rest, ofName);
    if (ofName.some((one) => one[kind] !== null)) continue;
    const of = listener === undefined ? "no listener" : `no listener ${listener.toUpperCase()}`;
    const protocols = kind === "tls" ? "SSL or SASL_SSL" : "SASL_PLAINTEXT or SASL_SSL";
    throw new ValueError(
      `${name} is set, and ${of} has the protocol ${protocols}, so everybody could connect`,
    );
  }
}

/** Tokens that nobody checks would be a log-in that does not exist. */
function refuseWithoutOauth(name: string, config: string, listeners: readonly Listener[]): void {
  if (config.endsWith(CALLBACK_HANDLER_CONFIG) && !config.startsWith("oauthbearer.")) {
    throw new ValueError(`${name}: only listener.name.NAME.oauthbearer.${CALLBACK_HANDLER_CONFIG}`);
  }
  if (!config.includes("oauthbearer.") || !listeners.some(({ sasl }) => sasl !== null)) return;
  if (listeners.some(({ sasl }) => sasl?.mechanisms.includes("OAUTHBEARER"))) return;
  throw new ValueError(`${name} is set, and sasl.enabled.mechanisms does not list OAUTHBEARER`);
}

/** As Kafka writes them in front of configs. */
const MECHANISMS = ["plain", "scram-sha-256", "scram-sha-512", "gssapi", "oauthbearer"];

/** A config with another name in front, or in upper case, would have no effect. */
function refuseStrangeMechanism(name: string, config: string): void {
  const mechanism = config.slice(0, config.indexOf("."));
  if (LISTENER_CONFIGS.has(config) || MECHANISMS.includes(mechanism)) return;
  throw new ValueError(`${name}: ${mechanism} must be one of ${MECHANISMS.join(", ")}`);
}

/** A config of SASL may begin with a mechanism. */
function kindOf(config: string): "tls" | "sasl" | null {
  if (!LISTENER_CONFIGS.has(config)) {
    const base = config.slice(config.indexOf(".") + 1);
    return LISTENER_CONFIGS.has(base) && !base.startsWith("ssl.") ? "sasl" : null;
  }
  return config.startsWith("ssl.") ? "tls" : "sasl";
}

/** Most of Kafka's defaults ask for nothing. To name a mechanism is to ask for SASL. */
function isHarmless(config: string, value: string): boolean {
  return config !== "sasl.enabled.mechanisms" && BROKER_CONFIGS.get(config)?.fallback === value;
}
