import { ConfigError } from "./config-error.ts";
import {
  advertisedListeners,
  type ClientListener,
  clientListeners,
  namesIn,
} from "./kafka/listener.ts";
import type { BrokerSettings } from "./settings.ts";
import { ValueError } from "./values.ts";

export interface Listener extends ClientListener {
  /** Where its clients are told to connect to; null without `advertised.listeners`. */
  readonly advertised: { readonly host: string; readonly port: number } | null;
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
    const listeners = withAdvertised(boundListeners(settings), settings.kafkaConfigs);
    for (const { name, protocol } of listeners) {
      if (protocol === "PLAINTEXT") continue;
      const plain = "this broker offers only PLAINTEXT, which would let everybody in";
      throw new ValueError(`listener ${name} is ${protocol}, but ${plain}`);
    }
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

function withAdvertised(
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
    const at = advertised.find(({ name }) => name === listener.name);
    return { ...listener, advertised: at === undefined ? null : { host: at.host, port: at.port } };
  });
}
