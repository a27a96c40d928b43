import { crc32c } from "@tarpan/codecs";
import type { BrokerSettings } from "../config/settings.ts";
import { type Logger, silentLogger } from "../logging/logger.ts";
import { type Authorizer, allowAll } from "../security/authorizer.ts";
import { BrokerServer, type RunningBroker } from "./broker-server.ts";
import type { BrokerState } from "./broker-state.ts";
import { type Outside, realWorld } from "./outside.ts";
import { openStandalone } from "./standalone.ts";
import { configsInForce, refuseBadSettings } from "./start-settings.ts";

export interface StartOptions extends Partial<Outside> {
  /** Silent when left out. */
  readonly logger?: Logger;
  /** False lets a node id kept in the data directory go before the one of the settings. */
  readonly nodeIdGiven?: boolean;
  /** Aborts a start that waits for other brokers; the promise then rejects. */
  readonly stopping?: AbortSignal;
  /** Told what a start waits for, and again every few seconds. */
  readonly onWaiting?: (what: string) => void;
  /** Allows everything when left out. */
  readonly authorizer?: Authorizer;
}

/**
 * Opens the storage, replays the metadata, opens the partitions and listens. Rejects with an
 * operational error (`code` TARPAN_…, one line that says what to do): nothing is left open then.
 * A broker of a cluster waits for as many others as the cluster needs.
 */
export async function startBroker(
  settings: BrokerSettings,
  options: StartOptions = {},
): Promise<RunningBroker> {
  const broker = await openBroker(settings, options);
  await broker.start();
  return broker;
}

/** The whole broker, wired and with its storage open. Nobody can reach it before its `start`. */
export async function openBroker(
  settings: BrokerSettings,
  options: StartOptions,
): Promise<BrokerServer> {
  const { stopping = new AbortController().signal, onWaiting, ...given } = options;
  const defaults = { logger: silentLogger, nodeIdGiven: true, authorizer: allowAll };
  const context = { ...realWorld, ...defaults, ...given, stopping, onWaiting };
  refuseBadSettings(settings, context.logger);
  const opening = openState({ ...settings, kafkaConfigs: configsInForce(settings) }, context);
  // Loads the native module while the disk is at work, not in the first Produce.
  crc32c(new Uint8Array(0));
  const state = await opening;
  try {
    return new BrokerServer({ ...settings, nodeId: state.nodeId }, state, context);
  } catch (error) {
    await state.close({ clean: false }).catch(() => {});
    throw error;
  }
}

type Context = Required<Omit<StartOptions, "onWaiting">> & {
  readonly onWaiting: StartOptions["onWaiting"] | undefined;
};

async function openState(settings: BrokerSettings, context: Context): Promise<BrokerState> {
  if (settings.cluster === null) return openStandalone(settings, context);
  // What a broker alone never needs it never loads.
  const { openClustered } = await import("./clustered.ts");
  return openClustered(settings, context);
}
