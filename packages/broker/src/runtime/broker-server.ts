import { setMaxListeners } from "node:events";
import { BrokerStatus } from "../admin/broker-status.ts";
import { Delayed } from "../admin/delayed.ts";
import { HalfMessagesOfAll } from "../admin/half-messages.ts";
import { groupsAdmin } from "../admin/open-groups.ts";
import { AuditLog, type AuditSink } from "../audit/audit-log.ts";
import type { BrokerConfig } from "../config/kafka/typed.ts";
import { listenersOf } from "../config/listeners.ts";
import type { BrokerSettings } from "../config/settings.ts";
import { DelayedMessages } from "../delayed/delayed-messages.ts";
import type { Machine } from "../env/env.ts";
import { FetchSessions } from "../fetch/fetch-sessions.ts";
import { GroupCoordinator } from "../groups/group-coordinator.ts";
import { HalfMessages } from "../half-messages/half-messages.ts";
import type { Services } from "../handlers/handler.ts";
import { handlers } from "../handlers/index.ts";
import { HandlerRouter } from "../handlers/request-router.ts";
import { createHttpEntrance } from "../http/entrance.ts";
import { type LogLevels, named } from "../logging/log-levels.ts";
import type { Logger } from "../logging/logger.ts";
import { ThrottledWarnings } from "../logging/throttled-warnings.ts";
import { registeredEndPoints } from "../metadata/advertised-address.ts";
import { PLAINTEXT, scramCredentialOf } from "../metadata/image.ts";
import { FetchWaits } from "../metrics/fetch-waits.ts";
import { RequestMetrics } from "../metrics/request-metrics.ts";
import type { JwksKeys } from "../sasl/jwks-keys.ts";
import type { Authorizer } from "../security/authorizer.ts";
import type { ListenAddress } from "../server/bound-server.ts";
import { limitsOn, type ServerLimits } from "../server/limits.ts";
import type { Listener } from "../server/listener.ts";
import type { RefusedConnection } from "../server/refused-request.ts";
import type { OnError } from "../server/shared.ts";
import { warnOfRefused } from "../server/warn-of-refused.ts";
import { TransactionCoordinator } from "../transactions/transaction-coordinator.ts";
import { CloseStack } from "../util/close-stack.ts";
import { unlessAborted } from "../util/unless-aborted.ts";
import type { BrokerState } from "./broker-state.ts";
import { deliverer, serveDeliveries } from "./held-calls.ts";
import type { InitialAdmin } from "./initial-admin.ts";
import type { SecuredAddresses } from "./listen-addresses.ts";
import { loadLater } from "./load-later.ts";
import { logMetadataLevel } from "./log-metadata-level.ts";
import { mutationTaker, serveMutations } from "./mutation-calls.ts";
import { openAuthorizer } from "./open-authorizer.ts";
import { openIpRates, openQuotas } from "./open-quotas.ts";
import { OpeningRouter } from "./opening-router.ts";
import type { Outside } from "./outside.ts";
import { isOwnHost } from "./own-hosts.ts";
import { serveTransactions, transactionCalls } from "./transaction-calls.ts";
import { warnOfSmallRetention } from "./warn-of-small-retention.ts";
import { warnOfStoredConfigs } from "./warn-of-stored-configs.ts";

/** A broker that was started. */
export interface RunningBroker {
  readonly host: string;
  /** The real port, even if port 0 was configured. */
  readonly port: number;
  /** `host:port`, for the `bootstrap.servers` of clients. */
  readonly bootstrap: string;
  readonly nodeId: number;
  readonly clusterId: string;
  /**
   * Accepts no further requests, finishes those in progress and makes everything durable. A second
   * call returns the promise of the first.
   */
  stop(): Promise<void>;
}

interface Context extends Pick<Outside, "env" | "newListener"> {
  readonly logger: Logger;
  readonly logLevels: LogLevels;
  /** Null for the one that the configs ask for. */
  readonly authorizer: Authorizer | null;
  /** Null: only refusals are told, in the broker's log. */
  readonly audit: AuditSink | null;
  readonly addresses: SecuredAddresses;
  readonly initialAdmin: InitialAdmin | null;
  /** Aborts when the broker is told to stop while it starts. */
  readonly stopping: AbortSignal;
}

/**
 * Serves clients from opened storage. The constructor only connects the parts. `stop` undoes what
 * `start` did, in reverse order, and closes the storage last.
 */
export class BrokerServer implements RunningBroker {
  readonly state: BrokerState;
  /** What handlers need to answer requests. */
  readonly services: Services;
  readonly #settings: BrokerSettings;
  readonly #context: Context;
  readonly #requests = new RequestMetrics();
  readonly #router = new OpeningRouter();
  readonly #warnings: ThrottledWarnings;
  readonly #listener: Listener;
  /** Aborts when the broker stops. */
  readonly #ending = new AbortController();
  readonly #started = new CloseStack();
  #startedMs = 0;
  #port = 0;
  #serving = false;
  #stopped: Promise<void> | null = null;

  constructor(settings: BrokerSettings, state: BrokerState, context: Context) {
    const { env, logger } = context;
    this.state = state;
    this.#settings = settings;
    this.#context = context;
    this.#warnings = new ThrottledWarnings(env, named(logger, "tarpan.server"));
    // Every long poll waits on it.
    setMaxListeners(0, this.#ending.signal);
    const config = state.metadata.brokerConfig();
    this.services = this.#newServices(config);
    this.#listener = this.#newListener(config);
    // An isolated broker can't answer waiting clients. When cut off, they ask other brokers.
    state.cluster?.onIsolated(() => this.#listener.cutKafka());
  }

  get host(): string {
    return listenersOf(this.#settings)[0]!.host;
  }

  get port(): number {
    return this.#port;
  }

  get bootstrap(): string {
    const { host, port } = this;
    return `${host.includes(":") ? `[${host}]` : host}:${port}`;
  }

  get nodeId(): number {
    return this.#settings.nodeId;
  }

  get clusterId(): string {
    return this.state.metadata.clusterId;
  }

  /** Begins to serve clients. If that fails, everything is closed, including the storage. */
  async start(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      await this.#started.close().catch(() => {});
      await this.state.close({ clean: false }).catch(() => {});
      throw error;
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #start(): Promise<void> {
    const { env, logger } = this.#context;
    const { groups, transactions, delayed, halfMessages } = this.services;
    const started = this.#started;
    this.#startedMs = env.clock.monotonicMs();
    started.add(() => this.#warnings.close());
    started.add(() => this.services.audit.close());
    for (const keys of this.#tokenKeys) started.add(keys.start());
    await this.#listener.listen();
    this.#port = this.#listener.ports[0]!;
    started.add(() => this.#closeListener());
    // Answers group members that wait in a rebalance, which would delay the listener's end. Their
    // clients retry.
    started.add(() => groups.close());
    started.add(() => transactions.close());
    started.add(() => delayed.close());
    started.add(() => halfMessages.close());
    started.add(serveTransactions(this.state.cluster, this.services));
    started.add(serveDeliveries(this.state.cluster, this.services));
    started.add(serveMutations(this.state.cluster, this.services));
    await this.#register();
    const { metadata } = this.state;
    this.#context.initialAdmin?.tell(metadata.image);
    started.add(logMetadataLevel(metadata, logger));
    groups.load();
    transactions.load();
    delayed.load();
    halfMessages.load();
    started.add(this.#warnOfConfigs());
    this.#router.open(new HandlerRouter(handlers, this.services, this.#requests));
    this.#serving = true;
    started.add(() => this.#leave());
    const loading = loadLater(env.timers, logger);
    started.add(() => loading.cancel());
  }

  /** Hands over this broker's partitions, and ends long polls. */
  async #leave(): Promise<void> {
    try {
      await this.state.leave();
    } finally {
      this.#ending.abort();
    }
  }

  /** After a failed start no request has begun, so there is none to wait for. */
  #closeListener(): Promise<void> {
    const hasServed = this.#ending.signal.aborted;
    return this.#listener.close({ graceMs: hasServed ? STOP_GRACE_MS : 0 });
  }

  async #stop(): Promise<void> {
    this.#serving = false;
    try {
      await this.#started.close();
    } finally {
      await this.state.close();
    }
  }

  async #register(): Promise<void> {
    const { metadata, unclean, cluster } = this.state;
    const endPoints = registeredEndPoints(this.#settings, this.#listener.ports);
    const { name, host, port } = endPoints[0]!;
    const isPlain = endPoints.length === 1 && name === PLAINTEXT;
    const at = { host, port, endPoints: isPlain ? null : endPoints };
    const rack = this.#settings.kafkaConfigs["broker.rack"] ?? null;
    // A standalone broker waits for no other here: it finishes its registration, then stops.
    const stopping = cluster === null ? undefined : this.#context.stopping;
    await unlessAborted(metadata.registerBroker({ ...at, rack, unclean }), stopping);
  }

  #newServices({ maxIncrementalFetchSessionCacheSlots: slots }: BrokerConfig): Services {
    const { env, logger, logLevels } = this.#context;
    const { metadata, partitions, cluster } = this.state;
    const authorizer = this.#context.authorizer ?? openAuthorizer(metadata, logger);
    const quotas = openQuotas(metadata, env.clock);
    const others = cluster && {
      followers: cluster.followers,
      replicaStates: () => cluster.states(),
    };
    return {
      ...{ env, authorizer, metadata, partitions, logLevels, ...others },
      audit: new AuditLog(env, this.#context.audit, named(logger, "tarpan.audit")),
      logger: named(logger, "tarpan.handlers"),
      settings: this.#settings,
      quotas,
      takeMutations: mutationTaker(cluster, metadata, quotas),
      fetchSessions: new FetchSessions(env.clock, env.random, slots),
      fetchWaits: new FetchWaits(),
      groups: new GroupCoordinator({
        ...{ env, metadata, partitions },
        logger: named(logger, "tarpan.groups"),
      }),
      transactions: new TransactionCoordinator({
        ...{ env, metadata, partitions },
        logger: named(logger, "tarpan.transactions"),
        ...transactionCalls(cluster, metadata, () => this.services),
      }),
      delayed: new DelayedMessages({
        ...{ env, metadata, partitions },
        logger: named(logger, "tarpan.delayed"),
        deliver: deliverer(cluster, metadata, () => this.services),
      }),
      halfMessages: new HalfMessages({
        ...{ env, metadata, partitions },
        logger: named(logger, "tarpan.half-messages"),
        deliver: deliverer(cluster, metadata, () => this.services),
      }),
      stopping: this.#ending.signal,
    };
  }

  #warnOfConfigs(): () => void {
    const { logger } = this.#context;
    const { metadata, engine } = this.state;
    const ends = [warnOfStoredConfigs(metadata, logger)];
    // In a cluster NATS decides how large a file is.
    if (engine.replication === null) ends.push(warnOfSmallRetention(metadata, logger));
    return () => {
      for (const end of ends) end();
    };
  }

  #newListener(config: BrokerConfig): Listener {
    const { metadata } = this.state;
    const { env, newListener } = this.#context;
    const logger = named(this.#context.logger, "tarpan.server");
    const ipRates = openIpRates(metadata);
    const onError: OnError = (message, detail) => logger.error(message, detail);
    return newListener({
      addresses: this.#withGates(),
      router: this.#router,
      http: createHttpEntrance({
        broker: this.#newStatus(),
        ...{ authorizer: this.services.authorizer, audit: this.services.audit },
        isOwnHost: (name) => isOwnHost(this.#settings, metadata.image, name),
        onError,
        onStrangeHost: (advice, remoteAddress) => {
          const what = "refused an HTTP request by a name that is not one of this broker's";
          this.#warnings.warn("strange host", `${what}: ${advice}`, { remoteAddress });
        },
      }),
      env,
      limits: limitsBy(config, env.machine),
      connectionLimits: () => metadata.brokerConfig(),
      ipRateOf: (address) => ipRates.of(address),
      onError,
      onRefused: (refused) => {
        warnOfRefused(refused, this.#warnings, logger);
        this.#auditRefused(refused);
      },
      onLoggedIn: (client, mechanism) => this.services.audit.loggedIn(client, mechanism),
      onWaiting: (remoteAddress, why) =>
        this.#warnings.warn("waiting", `connections wait: ${why}`, { remoteAddress }),
    });
  }

  #auditRefused({ reason, remoteAddress, listener, error }: RefusedConnection): void {
    if (reason !== "authentication" && reason !== "tls-handshake") return;
    this.services.audit.logInFailed(remoteAddress, listener, error.message);
  }

  #withGates(): ListenAddress[] {
    const { env, addresses } = this.#context;
    const { metadata } = this.state;
    const gateOf = addresses.openGates?.({
      ...{ env, ready: this.#router.opened },
      isIsolated: () => metadata.leadership.isExpired,
      find: (mechanism, user) => scramCredentialOf(metadata.image, mechanism, user),
    });
    return addresses.list.map(({ sasl, tokens, ...address }) => {
      return { ...address, gate: sasl === null ? null : gateOf!(sasl, tokens) };
    });
  }

  get #tokenKeys(): JwksKeys[] {
    return this.#context.addresses.list.flatMap(({ tokens }) => tokens?.keys ?? []);
  }

  #newStatus(): BrokerStatus {
    const { env } = this.#context;
    const { engine, cluster, metadata, partitions } = this.state;
    const isServing = () => this.#serving;
    return new BrokerStatus({
      ...{ engine, cluster, metadata, partitions, isServing },
      flush: this.#settings.flush,
      requests: this.#requests,
      fetchWaits: this.services.fetchWaits,
      quotas: this.services.quotas,
      groups: groupsAdmin(this.state, { groups: this.services.groups, isServing }),
      delayed: new Delayed({
        ...{ metadata, rpc: cluster?.rpc ?? null },
        delayed: this.services.delayed,
      }),
      halfMessages: new HalfMessagesOfAll({
        ...{ metadata, rpc: cluster?.rpc ?? null },
        halfMessages: this.services.halfMessages,
      }),
      held: this.services,
      groupsProblem: () => this.services.groups.problem,
      network: () => ({ ...this.#listener.stats, connections: this.#listener.connections }),
      certificates: () => this.#context.addresses.list.flatMap(({ tls }) => tls ?? []),
      audit: () => this.services.audit.status,
      tokenKeys: () => this.#tokenKeys,
      uptimeMs: () => env.clock.monotonicMs() - this.#startedMs,
    });
  }
}

/** What the broker's configs say about the network, and what this machine allows. */
function limitsBy(config: BrokerConfig, machine: Machine): ServerLimits {
  const { connectionsMaxIdleMs, queuedMaxRequestBytes } = config;
  return {
    ...limitsOn(machine),
    // As in Kafka, a negative time is no limit.
    maxIdleMs: connectionsMaxIdleMs < 0 ? Number.POSITIVE_INFINITY : connectionsMaxIdleMs,
    ...(queuedMaxRequestBytes > 0 && { maxHeldBytesTotal: queuedMaxRequestBytes }),
    listenBacklog: config.socketListenBacklogSize,
    maxFrameBytes: config.socketRequestMaxBytes,
  };
}

/**
 * How long a stop waits for requests in progress. Docker kills a container 10 s after it told it to
 * stop, and the logs have to be closed after this wait.
 */
const STOP_GRACE_MS = 3_000;
