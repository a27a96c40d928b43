// A client of one cluster: its connections and the cached metadata.
//
// 1. A client has one connection to each broker for all its producers and admins. Every consumer
//    has its own for its fetches, every group member and transactional id one to its coordinator:
//    a broker answers the requests of a connection in their order, and a Fetch or a JoinGroup may
//    wait there for long.
// 2. Cached metadata may be out of date: a caller that gets NOT_LEADER_OR_FOLLOWER calls `forget`
//    and tries again.
import {
  type Api,
  ErrorCode,
  type Fields,
  type Input,
  Metadata,
  type Output,
} from "@tarpan/protocol";
import { type Checks, callback, check, checkOptions, nonEmptyString } from "../checks/checks.ts";
import { stringOrStrings, timeoutMs, topicName } from "../checks/values.ts";
import { assertOk, ClientError, ConnectionError, KafkaResponseError } from "../errors.ts";
import {
  CONNECTIONS_MAX_IDLE_MS,
  METADATA_MAX_AGE_MS,
  REQUEST_TIMEOUT_MS,
  UNKNOWN_TOPIC_PATIENCE_MS,
} from "../limits.ts";
import { type Address, parseBootstrap } from "./addresses.ts";
import { Connection, type RequestOptions } from "./connection.ts";
import { ConnectionPool } from "./connection-pool.ts";
import {
  type ClusterMetadata,
  clusterOf,
  isKnown,
  newestOf,
  type PartitionMetadata,
  type TopicMetadata,
  topicOf,
} from "./metadata.ts";
import { Deadline, retrying } from "./retry.ts";
import { type SaslOptions, saslOptions, type TlsOptions, tlsOptions } from "./security.ts";
import { type OnTrouble, Troubles } from "./trouble.ts";

export interface ClientOptions {
  /** `host:port` of one or several brokers; one that answers is enough. */
  readonly bootstrap: string | readonly string[];
  /** Sent with every request, for the broker's logs and quotas. Default: tarpan. */
  readonly clientId?: string;
  /**
   * Time for connecting, for one request, and for an operation with its retries, ms. Default:
   * 30,000.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Time after which a connection without requests is closed, ms; it is opened again when it is
   * needed. Kafka's connections.max.idle.ms. Default: 540,000.
   */
  readonly connectionsMaxIdleMs?: number | undefined;
  /** Default: no TLS. `{}` trusts the authorities that Node knows. */
  readonly tls?: TlsOptions | undefined;
  /** Default: no log-in. */
  readonly sasl?: SaslOptions | undefined;
  /**
   * Called when an operation has failed for 2 s and is still retried, then each minute, and when it
   * succeeds again. Meant for logging.
   */
  readonly onTrouble?: OnTrouble;
}

const OPTIONS: Checks<ClientOptions> = {
  bootstrap: stringOrStrings,
  clientId: nonEmptyString,
  timeoutMs,
  connectionsMaxIdleMs: timeoutMs,
  tls: tlsOptions,
  sasl: saslOptions,
  onTrouble: callback,
};

interface Cached {
  readonly topic: TopicMetadata;
  readonly at: number;
}

/** The connections to one cluster, shared by its producers, consumers and admins. */
export class Client {
  readonly clientId: string;
  readonly timeoutMs: number;
  /** @internal */
  readonly troubles: Troubles;
  readonly #bootstrap: readonly Address[];
  readonly #maxIdleMs: number;
  readonly #security: Pick<ClientOptions, "tls" | "sasl">;
  readonly #shared = new ConnectionPool((address) => this.#open(address));
  readonly #separate = new Set<Connection>();
  readonly #topics = new Map<string, Cached>();
  /** Also of topics that were forgotten. */
  readonly #newest = new Map<string, TopicMetadata>();
  #cluster: ClusterMetadata | null = null;
  #closed = false;

  constructor(options: ClientOptions) {
    checkOptions("new Client", options, OPTIONS, ["bootstrap"]);
    const { bootstrap, clientId = "tarpan", timeoutMs = REQUEST_TIMEOUT_MS } = options;
    this.#bootstrap = parseBootstrap(bootstrap);
    this.clientId = clientId;
    this.timeoutMs = timeoutMs;
    this.#maxIdleMs = options.connectionsMaxIdleMs ?? CONNECTIONS_MAX_IDLE_MS;
    this.#security = { tls: options.tls, sasl: options.sasl };
    this.troubles = new Troubles(options.onTrouble);
  }

  /** A connection to the first broker that can be reached. */
  async anyConnection(): Promise<Connection> {
    const known = [...(this.#cluster?.brokers.values() ?? [])];
    const failures: string[] = [];
    let cause: unknown;
    for (const address of [...known, ...this.#bootstrap]) {
      try {
        return await this.#shared.connectionTo(address);
      } catch (error) {
        cause = error;
        if (!failures.includes((error as Error).message)) failures.push((error as Error).message);
      }
    }
    if (failures.length === 1 && cause instanceof ClientError) throw cause;
    throw new ConnectionError(`no broker can be reached: ${failures.join("; ")}`, cause);
  }

  /**
   * A connection to one broker, of those that all share or of `pool`. Rejects with a retriable
   * error while the cluster lacks it.
   */
  async connectionTo(nodeId: number, pool = this.#shared): Promise<Connection> {
    if (!this.#cluster?.brokers.has(nodeId)) await this.#fetchMetadata([]);
    const address = this.#cluster?.brokers.get(nodeId);
    if (address === undefined)
      throw new ClientError("TARPAN_NO_BROKER", `broker ${nodeId} is not in the cluster now`, {
        retriable: true,
      });
    return pool.connectionTo(address);
  }

  /** Connections for the caller only. The caller closes them; the client's `close` does too. */
  separatePool(): ConnectionPool {
    return new ConnectionPool((address) => this.separateConnectionTo(address));
  }

  /** A connection for the caller only. The caller closes it; the client's `close` does too. */
  async separateConnectionTo(address: Address): Promise<Connection> {
    const connection = await this.#open(address);
    for (const each of this.#separate) if (!each.isOpen) this.#separate.delete(each);
    this.#separate.add(connection);
    if (this.#closed) connection.close();
    return connection;
  }

  /** Sends a request to any broker. Retries, with other brokers too, for the client's time-out. */
  request<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    body: Input<Q>,
    options: RequestOptions = {},
  ): Promise<Output<S>> {
    return this.retrying(api.name, async () => {
      const connection = await this.anyConnection();
      return connection.request(api, body, options);
    });
  }

  /**
   * Runs `attempt` until it succeeds or fails with an error that is not retriable. Rejects with
   * TimeoutError after `withinMs`. A client that was never connected tries to connect only once.
   */
  async retrying<T>(
    what: string,
    attempt: () => Promise<T>,
    withinMs = this.timeoutMs,
  ): Promise<T> {
    // If no broker was ever reached, the address is most likely wrong: a retry would not help.
    if (this.#cluster === null) await this.anyConnection();
    return retrying(this.troubles.operation(what), new Deadline(withinMs), attempt);
  }

  /** The cluster's brokers and controller, asked from one broker now. */
  async cluster(): Promise<ClusterMetadata> {
    await this.retrying("asking for the cluster", () => this.#fetchMetadata([]));
    return this.#cluster!;
  }

  /** All topics, internal ones too. */
  async allTopics(): Promise<TopicMetadata[]> {
    const what = "asking for all topics";
    const { topics } = await this.retrying(what, () => this.#fetchMetadata(null));
    return topics.map(topicOf);
  }

  /**
   * Asks one broker, and then all others if its answer does not pass `knows`: brokers learn of a
   * new topic at different times. Resolves to the first answer that passes, else to the first
   * broker's.
   */
  async askAround<T>(
    ask: (connection: Connection, isFirst: boolean) => Promise<T>,
    knows: (answer: T) => boolean,
  ): Promise<T> {
    const answer = await ask(await this.anyConnection(), true);
    if (knows(answer)) return answer;
    if (this.#cluster === null) await this.#fetchMetadata([]);
    const brokers = [...this.#cluster!.brokers.values()];
    if (brokers.length < 2) return answer;
    const others = brokers.map(async (address) => {
      const other = await ask(await this.#shared.connectionTo(address), false);
      if (!knows(other)) throw new ClientError("TARPAN_NO_BROKER", "it does not know either");
      return other;
    });
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<T>((resolve) => {
      timer = setTimeout(() => resolve(answer), UNKNOWN_TOPIC_PATIENCE_MS);
    });
    const anyOther = Promise.any(others).catch(() => answer);
    return Promise.race([anyOther, enough]).finally(() => clearTimeout(timer));
  }

  /**
   * A topic's metadata: from the cache, or from a broker. With `create` the broker may create a
   * missing topic (auto.create.topics.enable), which is given up to 5 s. If a broker does not know
   * `partition`, the others are asked. Rejects with TARPAN_UNKNOWN_TOPIC.
   */
  async topic(
    name: string,
    { create = false, withinMs = this.timeoutMs, partition = -1 } = {},
  ): Promise<TopicMetadata> {
    check("topic", name, topicName);
    const cached = this.#topics.get(name);
    if (cached !== undefined && performance.now() - cached.at < METADATA_MAX_AGE_MS)
      return cached.topic;
    const patienceMs = Math.min(UNKNOWN_TOPIC_PATIENCE_MS, withinMs / 2);
    const patience = new Deadline(create ? patienceMs : 0);
    const find = async () => {
      const answer = await this.askAround(
        async (connection, isFirst) => {
          const { topics } = await this.#fetchMetadata([name], create && isFirst, connection);
          return topics.find((topic) => topic.name === name);
        },
        (found) => isKnown(found) && found.partitions.length > partition,
      );
      if (!isKnown(answer) && patience.remainingMs === 0)
        throw new ClientError("TARPAN_UNKNOWN_TOPIC", `there is no topic ${name}`);
      assertOk(answer?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic ${name}`);
      const topic = newestOf(topicOf(answer!), this.#newest.get(name));
      this.#newest.set(name, topic);
      this.#topics.set(name, { topic, at: performance.now() });
      return topic;
    };
    return this.retrying(`finding topic ${name}`, find, withinMs);
  }

  /**
   * A connection to the partition's leader. Rejects with LEADER_NOT_AVAILABLE, which is retriable,
   * while it has none, and with TARPAN_UNKNOWN_PARTITION.
   */
  async leaderOf(
    topic: TopicMetadata,
    partition: number,
    pool = this.#shared,
  ): Promise<Connection> {
    const leader = (topic.partitions[partition] ?? (await this.#find(topic.name, partition)))
      .leader;
    if (leader < 0) {
      this.forget(topic.name);
      throw new KafkaResponseError(ErrorCode.LEADER_NOT_AVAILABLE, `${topic.name}-${partition}`);
    }
    return this.connectionTo(leader, pool);
  }

  /** Drops a topic's cached metadata. */
  forget(topic: string): void {
    this.#topics.delete(topic);
  }

  /** Closes all connections; requests in progress reject. Close producers and consumers first. */
  async close(): Promise<void> {
    this.#closed = true;
    this.troubles.close();
    for (const each of this.#separate) each.close();
    await this.#shared.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open({ host, port }: Address): Promise<Connection> {
    if (this.#closed) throw new ClientError("TARPAN_CLOSED", "the client is closed");
    const { clientId, timeoutMs } = this;
    const options = { clientId, timeoutMs, maxIdleMs: this.#maxIdleMs, ...this.#security };
    return Connection.open({ host, port, ...options });
  }

  /** Looks for a partition that the cached metadata lacks: it may have been added since. */
  async #find(name: string, partition: number): Promise<PartitionMetadata> {
    this.forget(name);
    const { partitions } = await this.topic(name, { partition });
    if (partitions[partition] !== undefined) return partitions[partition];
    throw new ClientError(
      "TARPAN_UNKNOWN_PARTITION",
      `topic ${name} has no partition ${partition}, only 0 to ${partitions.length - 1}`,
    );
  }

  async #fetchMetadata(
    names: readonly string[] | null,
    create = false,
    connection: Connection | null = null,
  ) {
    connection ??= await this.anyConnection();
    const answer = await connection.request(Metadata, {
      topics: names?.map((name) => ({ name, topicId: undefined })) ?? null,
      allowAutoTopicCreation: create,
    });
    this.#cluster = clusterOf(answer);
    return answer;
  }
}
