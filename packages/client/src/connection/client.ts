// A client of one cluster: connections by broker, cached metadata, and who leads what.
//
// 1. One connection per broker, opened when first needed and again after it broke.
// 2. Cached metadata is only a guess: whoever is told NOT_LEADER calls `forget` and asks again.
import {
  type Api,
  ErrorCode,
  type Fields,
  type Input,
  Metadata,
  type Output,
} from "@tarpan/protocol";
import { type Checks, callback, check, checkOptions, text } from "../checks/checks.ts";
import { textOrTexts, timeoutMs, topicName } from "../checks/values.ts";
import { assertOk, ClientError, ConnectionError, KafkaResponseError } from "../errors.ts";
import { METADATA_MAX_AGE_MS, REQUEST_TIMEOUT_MS, UNKNOWN_TOPIC_PATIENCE_MS } from "../limits.ts";
import { type Address, parseBootstrap } from "./addresses.ts";
import { Connection, type RequestOptions } from "./connection.ts";
import {
  type ClusterMetadata,
  clusterOf,
  isKnown,
  type PartitionMetadata,
  type TopicMetadata,
  topicOf,
} from "./metadata.ts";
import { Deadline, retrying } from "./retry.ts";
import { type OnTrouble, Troubles } from "./trouble.ts";

export interface ClientOptions {
  /** `host:port`, or several: any broker that answers is enough. */
  readonly bootstrap: string | readonly string[];
  readonly clientId?: string;
  /** Time for one request, and for connecting, ms. */
  readonly timeoutMs?: number | undefined;
  /**
   * Told when something has failed for two seconds and is still tried, each minute while it is, and
   * when it works again: for a log, or a terminal.
   */
  readonly onTrouble?: OnTrouble;
}

const OPTIONS: Checks<ClientOptions> = {
  bootstrap: textOrTexts,
  clientId: text,
  timeoutMs,
  onTrouble: callback,
};

interface Cached {
  readonly topic: TopicMetadata;
  readonly at: number;
}

export class Client {
  readonly clientId: string;
  readonly timeoutMs: number;
  /** @internal */
  readonly troubles: Troubles;
  readonly #bootstrap: readonly Address[];
  readonly #connections = new Map<string, Promise<Connection>>();
  readonly #separate = new Set<Connection>();
  readonly #topics = new Map<string, Cached>();
  #cluster: ClusterMetadata | null = null;
  #closed = false;

  constructor(options: ClientOptions) {
    checkOptions("new Client", options, OPTIONS, ["bootstrap"]);
    const { bootstrap, clientId = "tarpan", timeoutMs = REQUEST_TIMEOUT_MS } = options;
    this.#bootstrap = parseBootstrap(bootstrap);
    this.clientId = clientId;
    this.timeoutMs = timeoutMs;
    this.troubles = new Troubles(options.onTrouble);
  }

  /** A connection to whichever broker answers. */
  async anyConnection(): Promise<Connection> {
    const known = [...(this.#cluster?.brokers.values() ?? [])];
    const failures: string[] = [];
    let cause: unknown;
    for (const address of [...known, ...this.#bootstrap]) {
      try {
        return await this.#connectionTo(address);
      } catch (error) {
        cause = error;
        if (!failures.includes((error as Error).message)) failures.push((error as Error).message);
      }
    }
    if (failures.length === 1 && cause instanceof ClientError) throw cause;
    throw new ConnectionError(`no broker can be reached: ${failures.join("; ")}`, cause);
  }

  /** A connection to one broker. Rejects with a retriable error while that is not known. */
  async connectionTo(nodeId: number): Promise<Connection> {
    if (!this.#cluster?.brokers.has(nodeId)) await this.#fetchMetadata([]);
    const address = this.#cluster?.brokers.get(nodeId);
    if (address === undefined)
      throw new ClientError("TARPAN_NO_BROKER", `broker ${nodeId} is not in the cluster just now`, {
        retriable: true,
      });
    return this.#connectionTo(address);
  }

  /** A connection for the caller alone, who closes it; the client does when it is closed. */
  async separateConnectionTo({ host, port }: Address): Promise<Connection> {
    if (this.#closed) throw new ClientError("TARPAN_CLOSED", "the client is closed");
    const { clientId, timeoutMs } = this;
    const connection = await Connection.open({ host, port, clientId, timeoutMs });
    for (const each of this.#separate) if (!each.isOpen) this.#separate.delete(each);
    this.#separate.add(connection);
    if (this.#closed) connection.close();
    return connection;
  }

  /** Asks any broker, trying others and again until `timeoutMs` has passed. */
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
   * `attempt` again and again while it fails retriably, for `withinMs`. Connecting is tried once.
   */
  async retrying<T>(
    what: string,
    attempt: () => Promise<T>,
    withinMs = this.timeoutMs,
  ): Promise<T> {
    // A broker that was never reached is most likely an address mistaken: no use in waiting for it.
    if (this.#cluster === null) await this.anyConnection();
    return retrying(this.troubles.operation(what), new Deadline(withinMs), attempt);
  }

  /** The cluster as one broker sees it now. */
  async cluster(): Promise<ClusterMetadata> {
    await this.retrying("asking for the cluster", () => this.#fetchMetadata([]));
    return this.#cluster!;
  }

  /** Every topic there is, internal ones too. */
  async allTopics(): Promise<TopicMetadata[]> {
    const what = "asking for all topics";
    const { topics } = await this.retrying(what, () => this.#fetchMetadata(null));
    return topics.map(topicOf);
  }

  /**
   * Asks one broker, and all the others too when it does not know: what was just made is known to
   * some before it is to all. Resolves to the first answer that `knows`, else to the first one's.
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
      const other = await ask(await this.#connectionTo(address), false);
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
   * What is known of a topic, asked for when it is not. With `create` a topic that is missing may
   * be made by the broker (auto.create.topics.enable), for which a few seconds are allowed. A
   * `partition` that a broker does not know is asked others for.
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
      const topic = topicOf(answer!);
      this.#topics.set(name, { topic, at: performance.now() });
      return topic;
    };
    return this.retrying(`finding topic ${name}`, find, withinMs);
  }

  /**
   * A connection to the broker that leads a partition. Rejects with a retriable error if none does.
   */
  async leaderOf(topic: TopicMetadata, partition: number): Promise<Connection> {
    const leader = (topic.partitions[partition] ?? (await this.#find(topic.name, partition)))
      .leader;
    if (leader < 0) {
      this.forget(topic.name);
      throw new KafkaResponseError(ErrorCode.LEADER_NOT_AVAILABLE, `${topic.name}-${partition}`);
    }
    return this.connectionTo(leader);
  }

  /** Makes the next look at a topic ask a broker again. */
  forget(topic: string): void {
    this.#topics.delete(topic);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.troubles.close();
    for (const each of this.#separate) each.close();
    const connections = await Promise.allSettled(this.#connections.values());
    for (const each of connections) if (each.status === "fulfilled") each.value.close();
    this.#connections.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #connectionTo({ host, port }: Address): Promise<Connection> {
    if (this.#closed) throw new ClientError("TARPAN_CLOSED", "the client is closed");
    const address = `${host}:${port}`;
    const opening = this.#connections.get(address);
    if (opening !== undefined) {
      const connection = await opening;
      if (connection.isOpen) return connection;
      if (this.#connections.get(address) === opening) this.#connections.delete(address);
      return this.#connectionTo({ host, port });
    }
    const { clientId, timeoutMs } = this;
    const opened = Connection.open({ host, port, clientId, timeoutMs });
    this.#connections.set(address, opened);
    // A failed attempt must not be remembered as the connection.
    opened.catch(() => this.#connections.delete(address));
    return opened;
  }

  /** A partition that was not there when last looked. Topics grow. */
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
