import {
  type Api,
  ErrorCode,
  errorOf,
  type Fields,
  FindCoordinator,
  type Input,
  Metadata,
  type Output,
} from "@tarpan/protocol";
import type { Wire } from "./wire.ts";

const PAUSE_MS = 50;

/** A refusal that a client may not answer by asking again. */
export class Refusal extends Error {
  readonly errorCode: number;
  /** Whether an earlier attempt may have been carried out. */
  readonly isUnsure: boolean;

  constructor(what: string, errorCode: number, isUnsure: boolean) {
    super(`${what}: ${errorOf(errorCode).name}`);
    this.errorCode = errorCode;
    this.isUnsure = isUnsure;
  }
}

/** Where a request goes. */
export type Target =
  | { readonly topic: string; readonly partition: number }
  | { readonly key: string; readonly keyType: "group" | "transaction" };

interface Place {
  readonly address: string;
  /** Of a partition, so that a broker with another one refuses; -1 for a coordinator. */
  readonly leaderEpoch: number;
}

/** Sends single requests to the right broker, again and again until there is an answer. */
export class RoutedClient {
  readonly wire: Wire;
  readonly #deadlineMs: number;
  readonly #places = new Map<string, Place>();
  /** The newest leader epoch of each partition that was heard of. */
  readonly #epochs = new Map<string, number>();
  #next = 0;

  /** After `limitMs` each request fails. */
  constructor(wire: Wire, limitMs: number) {
    this.wire = wire;
    this.#deadlineMs = wire.nowMs() + limitMs;
  }

  /** Resolves to the first answer whose code is 0; rejects with Refusal for one that is final. */
  async ask<Q extends Fields, S extends Fields>(
    target: Target,
    [api, version]: readonly [Api<Q, S>, number],
    body: Input<Q> | ((leaderEpoch: number) => Input<Q>),
    codeOf: (answer: Output<S>) => number,
  ): Promise<Output<S>> {
    for (let isUnsure = false; ; ) {
      const answer = await this.once(target, [api, version], body).catch(() => null);
      const errorCode = answer === null ? null : codeOf(answer);
      if (errorCode === ErrorCode.NONE) return answer!;
      if (errorCode !== null && !errorOf(errorCode).retriable) {
        throw new Refusal(api.name, errorCode, isUnsure);
      }
      if (this.wire.nowMs() > this.#deadlineMs) {
        const last = errorCode === null ? "nothing" : errorOf(errorCode).name;
        throw new Error(`${api.name} was not answered in time; the last answer was ${last}`);
      }
      if (errorCode !== ErrorCode.CONCURRENT_TRANSACTIONS) {
        isUnsure = true;
        this.#places.delete(nameOf(target));
      }
      await this.wire.pause(PAUSE_MS);
    }
  }

  /** Rejects if there is no answer: the request may have been carried out, or not. */
  async once<Q extends Fields, S extends Fields>(
    target: Target,
    [api, version]: readonly [Api<Q, S>, number],
    body: Input<Q> | ((leaderEpoch: number) => Input<Q>),
  ): Promise<Output<S>> {
    const name = nameOf(target);
    const place = this.#places.get(name) ?? (await this.#find(target));
    this.#places.set(name, place);
    const { address, leaderEpoch } = place;
    return this.wire.request(
      address,
      api,
      version,
      typeof body === "function" ? body(leaderEpoch) : body,
    );
  }

  async #find(target: Target): Promise<Place> {
    const { wire } = this;
    const any = wire.bootstrap[this.#next++ % wire.bootstrap.length]!;
    if ("key" in target) {
      const keyType = target.keyType === "group" ? 0 : 1;
      const asked = { key: target.key, keyType };
      const { errorCode, host, port } = await wire.request(any, FindCoordinator, 3, asked);
      if (errorCode !== ErrorCode.NONE) throw new Refusal("FindCoordinator", errorCode, false);
      return { address: `${host}:${port}`, leaderEpoch: -1 };
    }
    const topics = [{ name: target.topic }];
    const asked = { topics, allowAutoTopicCreation: false };
    const found = await wire.request(any, Metadata, 9, asked);
    const leader = found.topics[0]?.partitions.find(
      ({ partitionIndex }) => partitionIndex === target.partition,
    );
    const broker = found.brokers.find(({ nodeId }) => nodeId === leader?.leaderId);
    if (broker === undefined) throw new Error(`${nameOf(target)} has no leader`);
    const { leaderEpoch } = leader!;
    // As Kafka's clients (KIP-320): a broker that is behind names a leader that was deposed, which
    // may not know it yet, and takes what its successor has written for an offset out of range.
    if (leaderEpoch < (this.#epochs.get(nameOf(target)) ?? 0)) {
      throw new Error(`the metadata of ${nameOf(target)} is outdated`);
    }
    this.#epochs.set(nameOf(target), leaderEpoch);
    return { address: `${broker.host}:${broker.port}`, leaderEpoch };
  }
}

function nameOf(target: Target): string {
  if ("key" in target) return `${target.keyType} ${target.key}`;
  return `partition ${target.topic}-${target.partition}`;
}
