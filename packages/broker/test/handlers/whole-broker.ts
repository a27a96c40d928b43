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
import type { Env } from "../../src/env/env.ts";
import { FetchSessions } from "../../src/fetch/fetch-sessions.ts";
import { GroupCoordinator } from "../../src/groups/coordinator.ts";
import type { Broker } from "../../src/handlers/handler.ts";
import { handlers } from "../../src/handlers/index.ts";
import { HandlerRouter } from "../../src/handlers/request-router.ts";
import type { LogOptions } from "../../src/log/log.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { silentLogger } from "../../src/logging/logger.ts";
import { metadataMachine } from "../../src/metadata/machine.ts";
import { Metadata } from "../../src/metadata/metadata.ts";
import type { MetadataRecord } from "../../src/metadata/records.ts";
import { RequestMetrics } from "../../src/metrics/request-metrics.ts";
import { followMetadata } from "../../src/partition/follow-metadata.ts";
import { Partitions } from "../../src/partition/partitions.ts";
import { type Authorizer, allowAll } from "../../src/security/authorizer.ts";
import { Replayed } from "../../src/state-machine/replayed.ts";
import { ManualTime } from "../env/manual-time.ts";
import { SeededRandom } from "../env/seeded-random.ts";
import { batchOf } from "../partition/batches.ts";

const OPTIONS: LogOptions = { segmentBytes: 1 << 30, segmentMs: 1 << 30, indexIntervalBytes: 4096 };
const METADATA_ID = { topic: "__cluster_metadata", topicId: ZERO_UUID, partition: 0 };
const LENGTH_BYTES = 4;

/** A broker with everything but sockets and a disk, on a clock that moves when told. */
export class WholeBroker {
  readonly time: ManualTime;
  readonly broker: Broker;
  readonly #router: HandlerRouter;
  readonly #closed = new AbortController();

  private constructor(time: ManualTime, broker: Broker) {
    this.time = time;
    this.broker = broker;
    this.#router = new HandlerRouter(handlers, broker, new RequestMetrics());
  }

  /** `before`: what stands in the metadata when the broker comes. */
  static async start(
    kafkaConfigs: Record<string, string> = {},
    before: readonly MetadataRecord[] = [],
    authorizer: Authorizer = allowAll,
  ): Promise<WholeBroker> {
    const time = new ManualTime();
    const env = { clock: time, timers: time, random: new SeededRandom(1) } as unknown as Env;
    const engine = new MemoryEngine();
    const partitions: Partitions = new Partitions(engine, env, silentLogger, {
      producerExpirationMs: () => 86_400_000,
      newLogSettings: () => metadata.topicConfig(""),
      nodeId: 1,
      isKnown: () => false,
      isIsolated: () => false,
    });
    const log = await engine.create(METADATA_ID, OPTIONS);
    const options = { log, leaderEpoch: 0, wallMs: () => time.wallMs() };
    const earlier = await Replayed.load(metadataMachine, options);
    await earlier.decide(() => ({ records: before, response: undefined }));
    const metadata: Metadata = await Metadata.open({
      log,
      host: partitions,
      env,
      nodeId: 1,
      clusterId: "test",
      kafkaConfigs,
    });
    await metadata.registerBroker({ host: "127.0.0.1", port: 9092, unclean: false });
    followMetadata(metadata, partitions);
    const settings = {
      nodeId: 1,
      bindAddress: "127.0.0.1",
      storage: "memory",
      kafkaConfigs: {},
    } as BrokerSettings;
    const fetchSessions = new FetchSessions(time, env.random, 100);
    const logger = silentLogger;
    const stopping = new AbortController().signal;
    const groups = new GroupCoordinator({ env, metadata, partitions, logger });
    const parts = {
      env,
      settings,
      logger,
      metadata,
      partitions,
      fetchSessions,
      groups,
      stopping,
      authorizer,
    };
    return new WholeBroker(time, parts);
  }

  /** Sends a frame and reads the one that comes back; null when the client is answered nothing. */
  async call<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    request: Input<Q>,
  ): Promise<Output<S>> {
    const answer = await this.send(api, version, request);
    if (answer === null) throw new Error("no answer");
    return decodeResponse(api, version, answer).body;
  }

  async send<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    request: Input<Q>,
  ): Promise<Uint8Array | null> {
    const header = { correlationId: 7, clientId: "test" };
    return this.sendFrame(unframed(encodeRequest(api, version, header, request)));
  }

  async sendFrame(frame: Uint8Array): Promise<Uint8Array | null> {
    const connection = {
      id: 1,
      remoteAddress: "127.0.0.1",
      localAddress: "127.0.0.1",
      localPort: 9092,
      signal: this.#closed.signal,
    };
    const answer = await this.#router.accept(frame, connection).run();
    return answer === null ? null : unframed(answer);
  }

  /** Ends long polls, as the closing of their connection does. */
  disconnect(): void {
    this.#closed.abort();
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

  /** Produces one batch and returns what its partition was answered. */
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

function unframed(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks)).subarray(LENGTH_BYTES);
}
