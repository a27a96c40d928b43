// One stream holds the checkpoints and the start offsets of all logs; only the newest message of a
// subject counts. Writes are compare-and-set on the subject, so that a former leader cannot replace
// a newer start by an older one.
import type { Env } from "../../env/env.ts";
import type { LogId } from "../log.ts";
import { LogError } from "../log-error.ts";
import type { StateParts } from "./checkpoint-format.ts";
import {
  CHECKPOINT_GROWTH_MS,
  CHECKPOINT_REPLICAS,
  HEADER_BYTES,
  MESSAGE_BYTES,
} from "./limits.ts";
import { isRefusal, JetStreamRefusal, NoAnswer, type StreamApi } from "./stream-api.ts";
import {
  CHECKPOINT_STREAM,
  checkpointPartOf,
  checkpointStreamConfig,
  checkpointSubjectOf,
  type Placement,
} from "./stream-config.ts";
import { ErrorCode, type PublishOutcome } from "./transport.ts";

export interface SavedParts {
  readonly parts: StateParts;
  /** Sequence of the first part. Older parts are obsolete once a checkpoint names these. */
  readonly firstSequence: number;
}

export type Kind = "c" | "s";

/** A subject's newest message; sequence 0 when there is none. */
export interface SavedMessage {
  readonly sequence: number;
  readonly payload: Uint8Array | null;
}

export class Checkpoints {
  readonly #api: StreamApi;
  readonly #env: Pick<Env, "clock" | "random">;
  readonly #placement: Placement | null;
  #made: Promise<void> | null = null;
  #replicas = 0;
  #lookedAtMs = 0;

  constructor(api: StreamApi, env: Pick<Env, "clock" | "random">, placement: Placement | null) {
    this.#api = api;
    this.#env = env;
    this.#placement = placement;
  }

  /** Rejects with LogError `offline` when the servers don't answer. */
  async load(kind: Kind, id: LogId): Promise<SavedMessage> {
    await this.#ensure();
    const subject = checkpointSubjectOf(kind, id);
    const found = await this.#api.patiently(() => this.#api.lastOf(CHECKPOINT_STREAM, subject));
    return { sequence: found?.sequence ?? 0, payload: found?.payload ?? null };
  }

  /** Most bytes of payload in one message, which also needs room for its headers. */
  get maxBytes(): number {
    return this.#api.transport.maxPayloadBytes - HEADER_BYTES;
  }

  /**
   * Replaces the message that `load` found at `sequence`; resolves to the new message's sequence.
   * Rejects with LogError `fenced` when another broker has written since.
   */
  async save(kind: Kind, id: LogId, payload: Uint8Array, sequence: number): Promise<number> {
    await this.#ensure();
    return this.#save(checkpointSubjectOf(kind, id), payload, sequence);
  }

  /**
   * Saves a state that is too large for one message. It takes effect when a checkpoint that names
   * it is saved afterwards.
   */
  async saveParts(id: LogId, state: Uint8Array): Promise<SavedParts> {
    await this.#ensure();
    const saving = this.#unique();
    const limitBytes = Math.min(MESSAGE_BYTES, this.maxBytes);
    let firstSequence = 0;
    let count = 0;
    for (let at = 0; at < state.length; at += limitBytes, count++) {
      const part = state.subarray(at, at + limitBytes);
      const sequence = await this.#save(checkpointPartOf(id, saving, count), part, 0);
      if (count === 0) firstSequence = sequence;
    }
    return { parts: { saving, count, sizeBytes: state.length }, firstSequence };
  }

  /** Null when parts are missing, because a later checkpoint has been saved. */
  async loadParts(id: LogId, { saving, count, sizeBytes }: StateParts): Promise<Uint8Array | null> {
    const state = new Uint8Array(sizeBytes);
    let at = 0;
    for (let part = 0; part < count; part++) {
      const subject = checkpointPartOf(id, saving, part);
      const found = await this.#api.patiently(() => this.#api.lastOf(CHECKPOINT_STREAM, subject));
      if (found === null || at + found.payload.length > sizeBytes) return null;
      state.set(found.payload, at);
      at += found.payload.length;
    }
    return at === sizeBytes ? state : null;
  }

  /** Forgets the parts that were saved before `sequence`. */
  async forgetParts(id: LogId, sequence: number): Promise<void> {
    const filter = checkpointPartOf(id, "*", "*");
    await this.#purge({ filter, seq: sequence });
  }

  #unique(): string {
    return Buffer.from(this.#env.random.bytes(8)).toString("hex");
  }

  async #save(subject: string, payload: Uint8Array, sequence: number): Promise<number> {
    const unique = this.#unique();
    return this.#api.patiently(async () => {
      const outcome = await this.#publish(subject, payload, sequence, unique);
      if (outcome.kind === "stored") return outcome.sequence;
      // An earlier try has stored it, or is still in progress, or another broker has written.
      const last = await this.#api.lastOf(CHECKPOINT_STREAM, subject);
      if (last?.messageId === unique) return last.sequence;
      if ((last?.sequence ?? 0) === sequence) throw new NoAnswer("save", describe(outcome));
      throw new LogError("fenced", `${subject} was written by another broker`);
    });
  }

  /** Deletes everything about a deleted log. */
  async forget(id: LogId): Promise<void> {
    for (const kind of ["c", "s"] as const)
      await this.#purge({ filter: checkpointSubjectOf(kind, id) });
    await this.#purge({ filter: checkpointPartOf(id, "*", "*") });
  }

  async #purge(which: { filter: string; seq?: number }): Promise<void> {
    await this.#api.patiently(async () => {
      await this.#api.ask(`STREAM.PURGE.${CHECKPOINT_STREAM}`, which).catch((error: unknown) => {
        if (!isRefusal(error, ErrorCode.streamNotFound)) throw error;
      });
    });
  }

  #publish(
    subject: string,
    payload: Uint8Array,
    sequence: number,
    messageId: string,
  ): Promise<PublishOutcome> {
    const message = { subject, payload, messageId, expectedLastSubjectSequence: sequence };
    return new Promise((resolve) => this.#api.transport.publish(message, resolve));
  }

  /** Gives the stream more replicas if there are more servers now; no other call may come soon. */
  tend(): void {
    void this.#ensure().catch(() => {});
  }

  /** Makes the stream when it is missing; gives it more replicas when there are more servers. */
  async #ensure(): Promise<void> {
    this.#made ??= this.#make().catch((error: unknown) => {
      this.#made = null;
      throw error;
    });
    await this.#made;
    const servers = this.#placement?.brokers().length ?? 0;
    const wanted = Math.min(CHECKPOINT_REPLICAS, servers);
    const nowMs = this.#env.clock.monotonicMs();
    if (wanted <= this.#replicas || nowMs < this.#lookedAtMs + CHECKPOINT_GROWTH_MS) return;
    this.#lookedAtMs = nowMs;
    // Not awaited: the stream can be used with the replicas that it has.
    void this.#grow(wanted).catch(() => {});
  }

  async #make(): Promise<void> {
    const servers = this.#placement?.brokers().length ?? CHECKPOINT_REPLICAS;
    for (let replicas = Math.max(1, Math.min(servers, CHECKPOINT_REPLICAS)); ; replicas--) {
      try {
        const { num_replicas } = await this.#api.patiently(() => this.#createOrGet(replicas));
        this.#replicas = num_replicas;
        return;
      } catch (error) {
        const tooMany =
          isRefusal(error, ErrorCode.replicasNotSupported) ||
          isRefusal(error, ErrorCode.clusterNoPeers);
        if (!tooMany || replicas === 1) throw offlineOf(error);
      }
    }
  }

  async #createOrGet(replicas: number): Promise<{ num_replicas: number }> {
    try {
      return (await this.#api.info(CHECKPOINT_STREAM)).config;
    } catch (error) {
      if (!isRefusal(error, ErrorCode.streamNotFound)) throw error;
    }
    const config = checkpointStreamConfig(replicas);
    try {
      await this.#api.ask(`STREAM.CREATE.${CHECKPOINT_STREAM}`, config);
    } catch (error) {
      // Another broker has just created it with another number of replicas.
      if (!isRefusal(error, ErrorCode.streamNameInUse)) throw error;
      throw new NoAnswer("STREAM.CREATE", "created by another broker");
    }
    return config;
  }

  async #grow(replicas: number): Promise<void> {
    const { config } = await this.#api.info(CHECKPOINT_STREAM);
    if (config.num_replicas < replicas) {
      const grown = { ...config, num_replicas: replicas };
      await this.#api.ask(`STREAM.UPDATE.${CHECKPOINT_STREAM}`, grown);
    }
    this.#replicas = Math.max(replicas, config.num_replicas);
  }
}

function describe(outcome: PublishOutcome): string {
  if (outcome.kind === "refused") return outcome.description;
  return outcome.kind === "unknown" ? outcome.reason : "stored";
}

/** Turns a refusal of the servers into a LogError `offline`. */
export function offlineOf(error: unknown): unknown {
  if (!(error instanceof JetStreamRefusal)) return error;
  return new LogError("offline", error.message, { cause: error });
}

/** Runs `work`; a refusal, as when the stream was deleted meanwhile, becomes a LogError. */
export async function withLogErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw offlineOf(error);
  }
}
