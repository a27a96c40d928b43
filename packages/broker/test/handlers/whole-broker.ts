import {
  type Api,
  type BatchFields,
  CreateTopics,
  decodeResponse,
  encodeRequest,
  type Fields,
  type Input,
  type Output,
  Produce,
  ZERO_UUID,
} from "@tarpan/protocol";
import type { BrokerSettings } from "../../src/config/settings.ts";
import type { Services } from "../../src/handlers/handler.ts";
import { type Logger, silentLogger } from "../../src/logging/logger.ts";
import { metadataMachine } from "../../src/metadata/machine.ts";
import type { Metadata } from "../../src/metadata/metadata.ts";
import type { MetadataRecord } from "../../src/metadata/records.ts";
import { openStorage } from "../../src/runtime/local-storage.ts";
import { openBroker } from "../../src/runtime/start-broker.ts";
import type { Authorizer } from "../../src/security/authorizer.ts";
import { parsePrincipal } from "../../src/security/principal.ts";
import { ReplayedState } from "../../src/state-machine/replayed-state.ts";
import type { ManualTime } from "../env/manual-time.ts";
import type { MemoryFiles } from "../env/memory-files.ts";
import { type TestEnv, testEnv } from "../env/test-env.ts";
import { batchOf } from "../partition/batches.ts";
import { MemoryListener } from "../runtime/memory-listener.ts";

export interface WholeBrokerOptions {
  /** Kafka's broker configs. */
  readonly configs?: Record<string, string>;
  /** The metadata records that the broker finds when it starts. */
  readonly before?: readonly MetadataRecord[];
  readonly authorizer?: Authorizer;
  readonly logger?: Logger;
  readonly bindAddress?: string;
  /** The disk; without one, and without `before`, the logs are in memory. */
  readonly files?: MemoryFiles;
}

const SETTINGS: BrokerSettings = {
  ...{ nodeId: 1, bindAddress: "127.0.0.1", bindPort: 9092, storage: "memory", cluster: null },
  ...{ dataDirectory: "/data", flush: { mode: "always" }, kafkaConfigs: {} },
};

/** The broker that ships, without sockets and disk, on a manual clock. */
export class WholeBroker {
  readonly time: ManualTime;
  readonly broker: Services;
  readonly #listener: MemoryListener;
  readonly #ownTimers: number;
  readonly #server: { stop(): Promise<void> };

  private constructor(
    time: ManualTime,
    server: { readonly services: Services; stop(): Promise<void> },
    listener: MemoryListener,
  ) {
    this.time = time;
    this.broker = server.services;
    this.#server = server;
    this.#listener = listener;
    this.#ownTimers = time.pendingTimers;
  }

  get metadata(): Metadata {
    return this.broker.metadata;
  }

  /** The number of timers that requests have armed. */
  get requestTimers(): number {
    return this.time.pendingTimers - this.#ownTimers;
  }

  static start(configs: Record<string, string> = {}): Promise<WholeBroker> {
    return WholeBroker.startWith({ configs });
  }

  static async startWith(options: WholeBrokerOptions): Promise<WholeBroker> {
    const { configs: kafkaConfigs = {}, before = [], files } = options;
    const { logger = silentLogger, authorizer } = options;
    const env = testEnv(files === undefined ? {} : { fs: files });
    const storage = before.length === 0 && files === undefined ? "memory" : "segment";
    const { bindAddress = SETTINGS.bindAddress } = options;
    const settings: BrokerSettings = { ...SETTINGS, bindAddress, storage, kafkaConfigs };
    if (before.length > 0) await record(before, settings, env);
    const listeners: MemoryListener[] = [];
    const server = await openBroker(settings, {
      ...{ env, logger },
      ...(authorizer && { authorizer }),
      newListener: (options) => {
        listeners.push(new MemoryListener(options));
        return listeners[0]!;
      },
    });
    await server.start();
    return new WholeBroker(env.time, server, listeners[0]!);
  }

  /** How long requests have throttled their connection, in their order, ms. */
  get throttles(): readonly number[] {
    return this.#listener.throttles;
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  /** Later requests come from this client, such as `User:alice`. */
  as(principal: string): this {
    this.#listener.principal = parsePrincipal(principal)!;
    return this;
  }

  /** Sends a request and decodes its response. Throws when there is none. */
  async call<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    request: Input<Q>,
  ): Promise<Output<S>> {
    const answer = await this.send(api, version, request);
    if (answer === null) throw new Error("no answer");
    return decodeResponse(api, version, answer).body;
  }

  /** Sends a request. Resolves to the frame of the response; null for acks=0. */
  async send<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    request: Input<Q>,
  ): Promise<Uint8Array | null> {
    const header = { correlationId: 7, clientId: "test" };
    return this.#listener.send(encodeRequest(api, version, header, request));
  }

  sendFrame(frame: Uint8Array): Promise<Uint8Array | null> {
    return this.#listener.sendFrame(frame);
  }

  /** Closes the client's connection, which ends its long polls. */
  disconnect(): void {
    this.#listener.cutKafka();
  }

  async createTopic(
    name: string,
    numPartitions = 1,
    configs: Record<string, string> = {},
  ): Promise<string> {
    const { topics } = await this.call(CreateTopics, 7, {
      topics: [
        {
          name,
          numPartitions,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
      timeoutMs: 1_000,
      validateOnly: false,
    });
    if (topics[0]!.errorCode !== 0) throw new Error(`error ${topics[0]!.errorCode}`);
    return topics[0]!.topicId;
  }

  /** Produces one batch. Returns the response of its partition. */
  async produce(
    name: string,
    records: Uint8Array | null,
    { partition = 0, acks = -1, version = 9, topicId = ZERO_UUID } = {},
  ) {
    const topicData = [{ name, topicId, partitionData: [{ index: partition, records }] }];
    const request = { transactionalId: null, acks, timeoutMs: 1_000, topicData };
    const { responses } = await this.call(Produce, version, request);
    return responses[0]!.partitionResponses[0]!;
  }

  async produceRecords(name: string, count: number, fields: BatchFields = {}): Promise<number> {
    const { errorCode, baseOffset } = await this.produce(name, batchOf(count, fields));
    if (errorCode !== 0) throw new Error(`error ${errorCode}`);
    return baseOffset;
  }
}

/** Writes `records` to the metadata log, as an earlier run of the broker. */
async function record(
  records: readonly MetadataRecord[],
  settings: BrokerSettings,
  env: TestEnv,
): Promise<void> {
  const context = { env, logger: silentLogger, nodeIdGiven: true };
  const storage = await openStorage(settings, context);
  const options = { log: storage.metadataLog, leaderEpoch: 0, wallMs: () => env.time.wallMs() };
  const machine = await ReplayedState.load(metadataMachine, options);
  await machine.decide(() => ({ records, response: undefined }));
  await storage.close();
}
