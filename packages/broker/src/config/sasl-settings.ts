// SASL of one listener, by Kafka's configs.
import { Secret } from "../util/secret.ts";
import { usersInJaas } from "./jaas.ts";
import { splitList } from "./kafka/definition.ts";
import type { ListenerConfigs } from "./listener-configs.ts";
import { type TokenSettings, tokenSettingsOf } from "./token-settings.ts";
import { ValueError } from "./values.ts";

export interface SaslSettings {
  /** In the order in which clients are told them. */
  readonly mechanisms: readonly SaslMechanism[];
  /** Passwords of the users that the config of PLAIN names, beside those in the metadata. */
  readonly plainUsers: Secret<ReadonlyMap<string, string>>;
  /** Null without OAUTHBEARER. */
  readonly tokens: TokenSettings | null;
  /** How long a session lasts until it must be authenticated anew, ms; 0 for no limit. */
  readonly maxReauthMs: Readonly<Record<SaslMechanism, number>>;
  /** How long a failed authentication waits for its answer, ms. */
  readonly failedDelayMs: number;
  /** Largest frame before the authentication is done. */
  readonly maxFrameBytes: number;
}

const OFFERED = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] as const;

export type SaslMechanism = (typeof OFFERED)[number];

/** Throws ValueError, which names the config. */
export function saslSettingsOf(configs: ListenerConfigs): SaslSettings {
  const mechanisms = splitList(configs("sasl.enabled.mechanisms") ?? "");
  if (mechanisms.length === 0) {
    throw new ValueError(`a listener with SASL needs sasl.enabled.mechanisms: ${OFFERED}`);
  }
  const unknown = mechanisms.find((name) => !OFFERED.includes(name as SaslMechanism));
  if (unknown !== undefined) {
    throw new ValueError(`sasl.enabled.mechanisms: ${unknown} is not offered, only ${OFFERED}`);
  }
  const jaas = configs("plain.sasl.jaas.config");
  const reauthMs = (mechanism: SaslMechanism) => {
    const name = "connections.max.reauth.ms";
    return Number(configs(`${mechanism.toLowerCase()}.${name}`) ?? configs(name) ?? 0);
  };
  return {
    mechanisms: mechanisms as SaslMechanism[],
    plainUsers: new Secret(jaas === null ? new Map() : usersInJaas(jaas)),
    tokens: mechanisms.includes("OAUTHBEARER") ? tokenSettingsOf(configs) : null,
    maxReauthMs: {
      PLAIN: reauthMs("PLAIN"),
      "SCRAM-SHA-256": reauthMs("SCRAM-SHA-256"),
      "SCRAM-SHA-512": reauthMs("SCRAM-SHA-512"),
      OAUTHBEARER: reauthMs("OAUTHBEARER"),
    },
    failedDelayMs: Number(configs("connection.failed.authentication.delay.ms") ?? 100),
    maxFrameBytes: Number(configs("sasl.server.max.receive.size") ?? 524_288),
  };
}
