import {
  type Api,
  codecOf,
  ErrorCode,
  type Fields,
  type Input,
  includes,
  type Output,
  ProtocolError,
  Reader,
  type RecordSchema,
  rangeOf,
} from "@tarpan/protocol";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import { ThrottledWarnings } from "../logging/throttled-warnings.ts";
import type { Bus } from "./bus.ts";
import {
  type AnswerHeader,
  decodeBroadcast,
  encodeAnswer,
  encodeBroadcast,
  encodeRefusal,
  encodeRequest,
  readAnswerHeader,
  readHeader,
} from "./frames.ts";
import { RpcError } from "./rpc-error.ts";

interface Parts {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly bus: Bus;
  readonly nodeId: number;
  readonly logger: Logger;
}

interface Served {
  readonly api: Api;
  readonly answer: (request: Output<Fields>) => Promise<Input<Fields>>;
}

/**
 * Calls and news between brokers; each broker has one Rpc. The messages are in messages/.
 *
 * 1. A call is sent once, and again only if the answer says that certainly nothing was done.
 * 2. A broker answers at the version of the request, and says in each answer which versions it
 *    speaks. The caller remembers that for its next call. If that is wrong, because the broker has
 *    been upgraded or downgraded, the next answer corrects it.
 * 3. A frame that does not parse is refused and logged, and harms nothing else.
 */
export class Rpc {
  readonly #parts: Parts;
  readonly #warnings: ThrottledWarnings;
  readonly #served = new Map<number, Served>();
  /** The highest version in a broker's last answer, by broker and API. */
  readonly #spoken = new Map<number, number>();
  #stop: () => void = () => {};

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#warnings = new ThrottledWarnings(parts.env, parts.logger);
  }

  /** Begins to answer the other brokers. */
  start(): void {
    const { bus, nodeId } = this.#parts;
    this.#stop = bus.serve(subjectOf(nodeId), (frame) => this.#answer(frame));
  }

  close(): void {
    this.#stop();
    this.#warnings.close();
  }

  /**
   * Answers calls until the returned function is called; later ones are refused as `not-done`. If
   * `answer` rejects, that is a bug, and the outcome of the call is `unknown`.
   */
  serve<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    answer: (request: Output<Q>) => Promise<Input<S>>,
  ): () => void {
    const served = { api, answer } as unknown as Served;
    this.#served.set(api.key, served);
    return () => {
      if (this.#served.get(api.key) === served) this.#served.delete(api.key);
    };
  }

  /** Rejects with RpcError. */
  async call<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    brokerId: number,
    request: Input<Q>,
    timeoutMs: number,
  ): Promise<Output<S>> {
    const { bus, env } = this.#parts;
    const spokenKey = brokerId * 0x10000 + api.key;
    const deadlineMs = env.clock.monotonicMs() + timeoutMs;
    const own = rangeOf(api.versions);
    let version = Math.max(own.min, Math.min(own.max, this.#spoken.get(spokenKey) ?? own.max));
    for (let leftMs = timeoutMs; leftMs > 0; leftMs = deadlineMs - env.clock.monotonicMs()) {
      const frame = encodeRequest(api, version, request);
      const reader = new Reader(await bus.request(subjectOf(brokerId), frame, leftMs));
      const { header, response } = readAnswer(api, version, reader, brokerId);
      if (header.maxVersion >= header.minVersion) this.#spoken.set(spokenKey, header.maxVersion);
      if (response !== null) return response;
      const next = Math.min(own.max, header.maxVersion);
      const isSpoken = next >= Math.max(own.min, header.minVersion);
      if (header.errorCode !== ErrorCode.UNSUPPORTED_VERSION || next === version || !isSpoken) {
        throw refusalOf(api, brokerId, header);
      }
      version = next;
    }
    const text = `broker ${brokerId} did not carry out ${api.name} in ${timeoutMs} ms`;
    throw new RpcError("not-done", text);
  }

  /** Sends news to all brokers that can be reached now, this one included. */
  publish<F extends Fields>(news: RecordSchema<F>, value: Input<F>): void {
    this.#parts.bus.publish(newsSubject(news), encodeBroadcast(news, value));
  }

  /** Returns a function that unsubscribes. */
  subscribe<F extends Fields>(
    news: RecordSchema<F>,
    listener: (value: Output<F>) => void,
  ): () => void {
    return this.#parts.bus.subscribe(newsSubject(news), (frame) => {
      const value = unlessMalformed(() => decodeBroadcast(news, frame));
      if (value !== null) listener(value);
      else this.#warnMalformed(news.name, frame);
    });
  }

  async #answer(frame: Uint8Array): Promise<Uint8Array> {
    const reader = new Reader(frame);
    const header = unlessMalformed(() => readHeader(reader));
    if (header === null) return this.#refuseMalformed("a call", frame, null);
    const { key, version } = header;
    const served = this.#served.get(key);
    const { UNSUPPORTED_VERSION, UNKNOWN_SERVER_ERROR } = ErrorCode;
    if (served === undefined) return encodeRefusal(UNSUPPORTED_VERSION, "it has no such API", null);
    const { api, answer } = served;
    const { name, versions } = api;
    if (!includes(versions, version)) {
      return encodeRefusal(
        UNSUPPORTED_VERSION,
        `it speaks ${name} in versions ${versions}`,
        versions,
      );
    }
    const request = unlessMalformed(() => codecOf(api, version).readRequest(reader));
    if (request === null) return this.#refuseMalformed(name, frame, served);
    try {
      return encodeAnswer(api, version, await answer(request));
    } catch (error) {
      const { logger, nodeId } = this.#parts;
      logger.error(`${name} for another broker failed: this is a bug in Tarpan`, { error });
      const text = `broker ${nodeId} failed: see its log`;
      return encodeRefusal(UNKNOWN_SERVER_ERROR, text, versions);
    }
  }

  #refuseMalformed(name: string, frame: Uint8Array, served: Served | null): Uint8Array {
    this.#warnMalformed(name, frame);
    const versions = served?.api.versions ?? null;
    return encodeRefusal(ErrorCode.INVALID_REQUEST, "the request does not parse", versions);
  }

  #warnMalformed(name: string, { length: bytes }: Uint8Array): void {
    const text = "does not parse: check that nothing but Tarpan uses NATS subjects tarpan.rpc.>";
    this.#warnings.warn(name, `${name} from another broker ${text}`, { bytes });
  }
}

function readAnswer<S extends Fields>(
  api: Api<Fields, S>,
  version: number,
  reader: Reader,
  brokerId: number,
): { readonly header: AnswerHeader; readonly response: Output<S> | null } {
  try {
    const header = readAnswerHeader(reader);
    const isDone = header.errorCode === ErrorCode.NONE;
    return { header, response: isDone ? codecOf(api, version).readResponse(reader) : null };
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    const text = `the answer of broker ${brokerId} to ${api.name} does not parse`;
    throw new RpcError("unknown", text, { cause });
  }
}

function refusalOf(api: Api, brokerId: number, { errorCode, errorMessage }: AnswerHeader) {
  const isCertain = errorCode !== ErrorCode.UNKNOWN_SERVER_ERROR;
  const text = `broker ${brokerId} refuses ${api.name}: ${errorMessage ?? `error ${errorCode}`}`;
  const isUnsupported = errorCode === ErrorCode.UNSUPPORTED_VERSION;
  return new RpcError(isCertain ? "not-done" : "unknown", text, { isUnsupported });
}

function unlessMalformed<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

function subjectOf(brokerId: number): string {
  return `tarpan.rpc.${brokerId}`;
}

function newsSubject({ name }: RecordSchema): string {
  return `tarpan.rpc.all.${name}`;
}
