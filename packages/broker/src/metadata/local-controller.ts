import { ConfigResolver } from "../config/kafka/resolve.ts";
import type { BrokerConfig } from "../config/kafka/typed.ts";
import type { Env } from "../env/env.ts";
import type { Log } from "../log/log.ts";
import { appendRecords, type ReplayProgress } from "../state-machine/replay.ts";
import {
  type Decision,
  ReplayedState,
  type StateMachineError,
} from "../state-machine/replayed-state.ts";
import { type NextTurn, nextTurnOf } from "../util/next-turn.ts";
import type { Founding } from "./founding.ts";
import { EMPTY_IMAGE, type MetadataImage } from "./image.ts";
import { metadataMachine } from "./machine.ts";
import { withinLevel } from "./metadata-level.ts";
import { NameLocks } from "./name-locks.ts";
import type { PartitionHost } from "./partition-host.ts";
import { type Quorum, quorumLeader } from "./quorum.ts";
import type { MetadataRecord } from "./records.ts";

export interface ControllerOptions {
  /** The log of `__cluster_metadata`, open. It stays its owner's. */
  readonly log: Log;
  readonly host: PartitionHost;
  readonly env: Pick<Env, "clock" | "random" | "timers">;
  readonly nodeId: number;
  /** Kafka broker configs given at start, validated (`BrokerSettings.kafkaConfigs`). */
  readonly kafkaConfigs: Readonly<Record<string, string>>;
  readonly leaderEpoch?: number;
  /** Begins the log if nothing was appended to it before. */
  readonly founding?: Founding | null;
  /** Told about a replay as it goes, for logs that take long. */
  readonly onProgress?: (progress: ReplayProgress) => void;
}

/**
 * The controller on the broker that writes the metadata's log: it decides over the replayed
 * metadata. Its operations are listed in `operations`.
 *
 * 1. A topic's logs exist before its records are appended, so no partition lacks its log.
 * 2. Logs are discarded only when it is certain that no record names them: after an append whose
 *    outcome is unknown they stay, and the host's start sorts it out.
 * 3. No record is written that a registered broker can't read, whoever asks for it (withinLevel).
 */
export class LocalController {
  readonly configs: ConfigResolver;
  /** Of topics whose logs are being made. */
  readonly locks = new NameLocks();
  /** For work of an operation before its decision. */
  readonly nextTurn: NextTurn;
  readonly #options: ControllerOptions;
  readonly #replayed: ReplayedState<MetadataImage, MetadataRecord>;

  private constructor(
    options: ControllerOptions,
    replayed: ReplayedState<MetadataImage, MetadataRecord>,
  ) {
    this.#options = options;
    this.configs = new ConfigResolver(options.nodeId, options.kafkaConfigs);
    this.#replayed = replayed;
    this.nextTurn = nextTurnOf(options.env.timers);
  }

  /**
   * Replays the log. Rejects with the log's error, with the record that can't be read, or with the
   * problem of `founding`.
   */
  static async open(options: ControllerOptions): Promise<LocalController> {
    const { log, leaderEpoch = 0, env, onProgress, founding } = options;
    if (log.endOffset === 0 && founding) {
      if (founding.problem !== null) throw founding.problem;
      const records = withinLevel(EMPTY_IMAGE, founding.take());
      const encoded = records.map((record) => metadataMachine.encode(record));
      await appendRecords(log, leaderEpoch, env.clock.wallMs(), encoded);
    }
    const replayed = await ReplayedState.load(metadataMachine, {
      log,
      leaderEpoch,
      wallMs: () => env.clock.wallMs(),
      nextTurn: nextTurnOf(env.timers),
      ...(onProgress && { onProgress }),
    });
    return new LocalController(options, replayed);
  }

  /** The committed image. */
  get image(): MetadataImage {
    return this.#replayed.state;
  }

  /** Set once nothing can be changed any more: the log has failed or is another's. */
  get failure(): StateMachineError | null {
    return this.#replayed.failure;
  }

  get host(): PartitionHost {
    return this.#options.host;
  }

  get random(): Env["random"] {
    return this.#options.env.random;
  }

  /** Runs after each change, before its caller is answered. Returns what ends the subscription. */
  onCommit(listener: (previous: MetadataImage, next: MetadataImage) => void): () => void {
    return this.#replayed.onCommit(listener);
  }

  /** Resolves when nothing is in flight any more. */
  settled(): Promise<void> {
    return this.#replayed.settled();
  }

  brokerConfig(): BrokerConfig {
    return this.configs.broker(this.image);
  }

  /**
   * Resolves to the reply when the records are durable. Rejects with StateMachineError, or with
   * KafkaError when they may not be written: nothing was changed then.
   */
  decide<Reply>(
    decision: (image: MetadataImage) => Decision<MetadataRecord, Reply>,
  ): Promise<Reply> {
    return this.#replayed.decide((image) => {
      const { records, response } = decision(image);
      return { records: withinLevel(image, records), response };
    });
  }

  /** Of a controller without others. */
  quorum(): Quorum {
    const { env, log, nodeId, leaderEpoch = 0 } = this.#options;
    const { endOffset } = log;
    const self = quorumLeader(nodeId, endOffset, env.clock.wallMs());
    return {
      leaderId: nodeId,
      leaderEpoch,
      highWatermark: endOffset,
      voters: [self],
      observers: [],
    };
  }
}
