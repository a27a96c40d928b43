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
import { RawConnection } from "../harness/raw-connection.ts";
import { within } from "../harness/within.ts";

const ANSWER_LIMIT_MS = 5_000;
const PAUSE_MS = 50;

/** A refusal that a client may not answer by asking again. */
export class Refusal extends Error {
  readonly errorCode: number;

  constructor(what: string, errorCode: number) {
    super(`${what}: ${errorOf(errorCode).name}`);
    this.errorCode = errorCode;
  }
}

/** Where a request goes. */
export type Target =
  | { readonly topic: string; readonly partition: number }
  | { readonly key: string; readonly keyType: "group" | "transaction" };

/** Sends single requests to the right broker, again and again until there is an answer. */
export class RoutedClient {
  readonly #bootstrap: readonly string[];
  readonly #deadlineMs: number;
  readonly #connections = new Map<string, RawConnection>();
  readonly #places = new Map<string, string>();
  #next = 0;

  /** After `limitMs` each request fails. */
  constructor(bootstrap: readonly string[], limitMs: number) {
    this.#bootstrap = bootstrap;
    this.#deadlineMs = performance.now() + limitMs;
  }

  /** Resolves to the first answer whose code is 0; rejects with Refusal for one that is final. */
  async ask<Q extends Fields, S extends Fields>(
    target: Target,
    [api, version]: readonly [Api<Q, S>, number],
    body: Input<Q>,
    codeOf: (answer: Output<S>) => number,
  ): Promise<Output<S>> {
    for (;;) {
      const answer = await this.once(target, [api, version], body).catch(() => null);
      if (answer !== null) {
        const errorCode = codeOf(answer);
        if (errorCode === ErrorCode.NONE) return answer;
        if (!errorOf(errorCode).retriable) throw new Refusal(api.name, errorCode);
      }
      if (performance.now() > this.#deadlineMs) {
        const last = answer === null ? "nothing" : errorOf(codeOf(answer)).name;
        throw new Error(`${api.name} was not answered in time; the last answer was ${last}`);
      }
      if (answer === null || codeOf(answer) !== ErrorCode.CONCURRENT_TRANSACTIONS) {
        this.#places.delete(nameOf(target));
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /** Rejects if there is no answer: the request may have been carried out, or not. */
  async once<Q extends Fields, S extends Fields>(
    target: Target,
    [api, version]: readonly [Api<Q, S>, number],
    body: Input<Q>,
  ): Promise<Output<S>> {
    const name = nameOf(target);
    const place = this.#places.get(name) ?? (await this.#find(target));
    this.#places.set(name, place);
    return this.#request(place, api, version, body);
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  async #find(target: Target): Promise<string> {
    const any = this.#bootstrap[this.#next++ % this.#bootstrap.length]!;
    if ("key" in target) {
      const keyType = target.keyType === "group" ? 0 : 1;
      const asked = { key: target.key, keyType };
      const { errorCode, host, port } = await this.#request(any, FindCoordinator, 3, asked);
      if (errorCode !== ErrorCode.NONE) throw new Refusal("FindCoordinator", errorCode);
      return `${host}:${port}`;
    }
    const topics = [{ name: target.topic }];
    const asked = { topics, allowAutoTopicCreation: false };
    const found = await this.#request(any, Metadata, 9, asked);
    const leader = found.topics[0]?.partitions.find(
      ({ partitionIndex }) => partitionIndex === target.partition,
    )?.leaderId;
    const broker = found.brokers.find(({ nodeId }) => nodeId === leader);
    if (broker === undefined) throw new Error(`${nameOf(target)} has no leader`);
    return `${broker.host}:${broker.port}`;
  }

  /** One request at a time on a connection: answers come in the order of the requests. */
  async #request<Q extends Fields, S extends Fields>(
    place: string,
    api: Api<Q, S>,
    version: number,
    body: Input<Q>,
  ): Promise<Output<S>> {
    const connection = await this.#connect(place);
    try {
      const answer = connection.request(api, version, body);
      return await within(ANSWER_LIMIT_MS, api.name, answer);
    } catch (error) {
      this.#connections.delete(place);
      connection.close();
      throw error;
    }
  }

  async #connect(place: string): Promise<RawConnection> {
    const known = this.#connections.get(place);
    if (known !== undefined && !known.isClosed) return known;
    const [host, port] = place.split(":") as [string, string];
    const opened = await within(ANSWER_LIMIT_MS, "connecting", RawConnection.open(+port, host));
    this.#connections.set(place, opened);
    return opened;
  }
}

function nameOf(target: Target): string {
  if ("key" in target) return `${target.keyType} ${target.key}`;
  return `partition ${target.topic}-${target.partition}`;
}
