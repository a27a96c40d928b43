import type { Logger } from "./logging/logger.ts";
import type { BrokerSettings, FlushPolicy } from "./settings.ts";
import { type RunningBroker, startBroker } from "./start-broker.ts";

export interface BrokerOptions {
  /** Port to listen on. Default 0: any free one. */
  readonly port?: number;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Where records are kept. Default: `segment` when there is a `dataDir`, else `memory`. */
  readonly storage?: "memory" | "segment";
  /** Data directory, made when it is missing. */
  readonly dataDir?: string;
  /** When an append counts as durable. Default: always after it has been synced. */
  readonly flush?: FlushPolicy;
  /** Kafka's broker id, 0 … 2^31-1. Default: the data directory's own, 1 in a new one. */
  readonly nodeId?: number;
  /** Kafka broker configs by Kafka's names, as in `{ "num.partitions": 3 }`. */
  readonly configs?: Readonly<Record<string, string | number | boolean>>;
  /** Default: silent. */
  readonly logger?: Logger;
}

/**
 * A real broker inside this process, for tests and small services.
 *
 * ```ts
 * await using broker = await Broker.start();
 * const kafka = new Kafka({ brokers: [broker.bootstrap] });
 * ```
 */
export class Broker implements AsyncDisposable {
  readonly #running: RunningBroker;

  private constructor(running: RunningBroker) {
    this.#running = running;
  }

  /**
   * Starts a broker. Rejects with an error whose `code` says what is wrong: TARPAN_PORT_IN_USE,
   * TARPAN_DATA_DIRECTORY_IN_USE, TARPAN_DATA_DIRECTORY_UNWRITABLE, TARPAN_CONFIG …
   */
  static async start(options: BrokerOptions = {}): Promise<Broker> {
    const { logger, nodeId } = options;
    const running = await startBroker(settingsOf(options), {
      nodeIdGiven: nodeId !== undefined,
      ...(logger && { logger }),
    });
    return new Broker(running);
  }

  /** `host:port`, for the `bootstrap.servers` of any Kafka client. */
  get bootstrap(): string {
    return this.#running.bootstrap;
  }

  get port(): number {
    return this.#running.port;
  }

  get nodeId(): number {
    return this.#running.nodeId;
  }

  get clusterId(): string {
    return this.#running.clusterId;
  }

  /** Finishes what is in progress, makes everything durable and closes. Twice is once. */
  stop(): Promise<void> {
    this.#stopping ??= this.#running.stop();
    return this.#stopping;
  }
  #stopping: Promise<void> | undefined;

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function settingsOf(options: BrokerOptions): BrokerSettings {
  const { dataDir, nodeId = 1 } = options;
  const storage = options.storage ?? (dataDir === undefined ? "memory" : "segment");
  if (storage === "segment" && dataDir === undefined) {
    throw new TypeError('storage "segment" needs a dataDir');
  }
  return {
    nodeId,
    bindAddress: options.host ?? "127.0.0.1",
    bindPort: options.port ?? 0,
    storage,
    dataDirectory: dataDir ?? "",
    flush: options.flush ?? { mode: "always" },
    kafkaConfigs: Object.fromEntries(
      Object.entries(options.configs ?? {}).map(([name, value]) => [name, String(value)]),
    ),
    cluster: null,
  };
}
