import type { AuditSink } from "../audit/audit-log.ts";
import type { BrokerSettings } from "../config/settings.ts";
import { LogLevels } from "../logging/log-levels.ts";
import { type Logger, silentLogger } from "../logging/logger.ts";
import type { Authorizer } from "../security/authorizer.ts";
import { BrokerServer, type RunningBroker } from "./broker-server.ts";
import type { BrokerState } from "./broker-state.ts";
import { InitialAdmin } from "./initial-admin.ts";
import { listenAddresses } from "./listen-addresses.ts";
import { warnOfOpenSecretFiles } from "./open-secret-files.ts";
import { type Outside, realWorld } from "./outside.ts";
import { openStandalone } from "./standalone.ts";
import { configsInForce, refuseBadSettings } from "./start-settings.ts";

export interface StartOptions extends Partial<Outside> {
  /** Without it nothing is logged. */
  readonly logger?: Logger;
  /** If false, a node id kept in the data directory is used instead of the one in the settings. */
  readonly nodeIdGiven?: boolean;
  /** Aborts a start that waits for other brokers; the promise then rejects. */
  readonly stopping?: AbortSignal;
  /** Called every few seconds with a line that says what the start waits for. */
  readonly onWaiting?: (what: string) => void;
  /** Without it, the one that the configs ask for. */
  readonly authorizer?: Authorizer;
  /** Takes the audit log. Without it, only refusals are logged, by the logger. */
  readonly audit?: AuditSink;
}

/**
 * Opens the storage, replays the metadata, opens the partitions and listens. Rejects with an
 * operational error (`code` TARPAN_…, one line that says what to do); then nothing is left open.
 * A broker of a cluster waits until a majority of the brokers run.
 */
export async function startBroker(
  settings: BrokerSettings,
  options: StartOptions = {},
): Promise<RunningBroker> {
  const broker = await openBroker(settings, options);
  await broker.start();
  return broker;
}

/** Opens the storage and connects all parts. Clients can't connect before `start`. */
export async function openBroker(
  settings: BrokerSettings,
  options: StartOptions,
): Promise<BrokerServer> {
  const { stopping = new AbortController().signal, onWaiting, ...given } = options;
  const defaults = { logger: silentLogger, nodeIdGiven: true, authorizer: null, audit: null };
  const logLevels = new LogLevels(options.logger ?? defaults.logger);
  const logger = logLevels.logger("root");
  const context = { ...realWorld, ...defaults, ...given, logger, logLevels, stopping, onWaiting };
  refuseBadSettings(settings, context.logger);
  await warnOfOpenSecretFiles(settings, context.env.fs, context.logger);
  const addresses = await listenAddresses(settings, context);
  const inForce = { ...settings, kafkaConfigs: configsInForce(settings) };
  const { initialAdmin: asked } = settings;
  const initialAdmin = asked === undefined ? null : await InitialAdmin.of(asked, context);
  const state = await openState(inForce, { ...context, initialAdmin });
  try {
    return new BrokerServer({ ...settings, nodeId: state.nodeId }, state, {
      ...context,
      addresses,
      initialAdmin,
    });
  } catch (error) {
    await state.close({ clean: false }).catch(() => {});
    throw error;
  }
}

type Context = Required<Omit<StartOptions, "onWaiting" | "authorizer" | "audit">> & {
  readonly authorizer: Authorizer | null;
  readonly audit: AuditSink | null;
  readonly onWaiting: StartOptions["onWaiting"] | undefined;
  readonly initialAdmin: InitialAdmin | null;
};

async function openState(settings: BrokerSettings, context: Context): Promise<BrokerState> {
  if (settings.cluster === null) return openStandalone(settings, context);
  // A standalone broker never loads the code of clusters.
  const { openClustered } = await import("./clustered.ts");
  return openClustered(settings, context);
}
