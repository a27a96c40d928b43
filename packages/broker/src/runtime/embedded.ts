import { type BrokerOptions, readBrokerOptions } from "../config/broker-options.ts";
import type { RunningBroker } from "./broker-server.ts";
import { startBroker } from "./start-broker.ts";

export type { BrokerOptions } from "../config/broker-options.ts";

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
   * TARPAN_DATA_DIRECTORY_IN_USE, TARPAN_DATA_DIRECTORY_UNWRITABLE, TARPAN_CONFIG (an option that
   * is unknown or not valid) …
   */
  static async start(options: BrokerOptions = {}): Promise<Broker> {
    const { settings, ...rest } = readBrokerOptions(options);
    return new Broker(await startBroker(settings, rest));
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

  /** Finishes requests in progress, makes everything durable and closes. May be called twice. */
  stop(): Promise<void> {
    return this.#running.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
