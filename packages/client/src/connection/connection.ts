// One TCP connection to one broker. Requests are pipelined, and matched to responses by correlation
// id.
//
// 1. Every request settles: by its response, its time-out, or the close of the connection.
// 2. A request that times out closes the connection: responses come in the order of the requests,
//    so the later ones can't be answered before it.
// 3. Between the first and the last request of a log-in nothing else is sent. Requests that have to
//    wait for it are sent in their order.
import type { Socket } from "node:net";
import {
  type Api,
  ApiVersions,
  decodeResponse,
  ErrorCode,
  encodeRequest,
  type Fields,
  type Input,
  type Output,
  ProtocolError,
  rangeOf,
  SaslAuthenticate,
  SaslHandshake,
} from "@tarpan/protocol";
import { type Checks, checkOptions, integer, nonEmptyString } from "../checks/checks.ts";
import { timeoutMs } from "../checks/values.ts";
import {
  ConnectionError,
  KafkaResponseError,
  TimeoutError,
  UnsupportedVersionError,
} from "../errors.ts";
import { connectedSocket, reason } from "./connected-socket.ts";
import { FrameSplitter } from "./frame-splitter.ts";
import { type Login, logIn, loginOf } from "./sasl-login.ts";
import { SaslSession } from "./sasl-session.ts";
import { type SaslOptions, saslOptions, type TlsOptions, tlsOptions } from "./security.ts";
import { CLIENT_SOFTWARE_NAME, CLIENT_SOFTWARE_VERSION } from "./software.ts";

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  /** Time for connecting, and the default for each request, ms. */
  readonly timeoutMs: number;
  /** Time without a request after which it closes itself, ms. Default: it never does. */
  readonly maxIdleMs?: number | undefined;
  /** Default: no TLS. */
  readonly tls?: TlsOptions | undefined;
  /** Default: no log-in. */
  readonly sasl?: SaslOptions | undefined;
}

const OPTIONS: Checks<ConnectionOptions> = {
  host: nonEmptyString,
  port: integer(1, 65_535),
  clientId: nonEmptyString,
  timeoutMs,
  maxIdleMs: timeoutMs,
  tls: tlsOptions,
  sasl: saslOptions,
};

export interface RequestOptions {
  /** Default: the connection's `timeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** Highest version to use, even if both sides support a later one. */
  readonly maxVersion?: number | undefined;
}

/** The fields of an API that `versionOf` needs. */
type AnyVersioned = Pick<Api, "key" | "name" | "versions">;

interface Pending {
  readonly name: string;
  resolve(frame: Uint8Array): void;
  reject(error: Error): void;
  readonly timer: NodeJS.Timeout;
}

export class Connection {
  readonly host: string;
  readonly port: number;
  readonly #clientId: string;
  readonly #timeoutMs: number;
  readonly #sasl: SaslOptions | undefined;
  readonly #socket: Socket;
  readonly #splitter = new FrameSplitter();
  readonly #pending = new Map<number, Pending>();
  readonly #brokerVersions = new Map<number, { min: number; max: number }>();
  readonly #features = new Map<string, number>();
  readonly #idleTimer: NodeJS.Timeout | undefined;
  #nextCorrelationId = 0;
  /** Null if it does not end. */
  #session: SaslSession | null = null;
  #renewing = false;
  /** What waits for a log-in; null if nothing has to. */
  #held: (() => void)[] | null = null;
  /** Requests that were sent and not answered yet. */
  #unanswered = 0;
  #onAllAnswered: () => void = () => {};
  #closed: Error | null = null;

  private constructor(options: ConnectionOptions, socket: Socket) {
    this.host = options.host;
    this.port = options.port;
    this.#clientId = options.clientId;
    this.#timeoutMs = options.timeoutMs;
    this.#sasl = options.sasl;
    this.#socket = socket;
    if (options.maxIdleMs !== undefined)
      this.#idleTimer = setTimeout(() => this.#closeIfIdle(), options.maxIdleMs).unref();
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", (error) =>
      this.#end(new ConnectionError(reason(this.address, error), error)),
    );
    socket.on("close", () =>
      this.#end(new ConnectionError(`${this.address} closed the connection`)),
    );
  }

  /**
   * Connects, asks for the broker's versions (ApiVersions), and logs in. Rejects with
   * ConnectionError or TimeoutError, or with KafkaResponseError if the broker refuses.
   */
  static async open(options: ConnectionOptions): Promise<Connection> {
    checkOptions("Connection.open", options, OPTIONS, ["host", "port", "clientId", "timeoutMs"]);
    const connection = new Connection(options, await connectedSocket(options));
    try {
      await connection.#fetchVersions();
      if (options.sasl !== undefined)
        await connection.#logIn(await loginOf(options.sasl, options.timeoutMs));
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  get isOpen(): boolean {
    return this.#closed === null;
  }

  /** The highest version that both sides support. Throws UnsupportedVersionError if none is. */
  versionOf(api: AnyVersioned, maxVersion = Number.POSITIVE_INFINITY): number {
    const ours = rangeOf(api.versions);
    const theirs = this.#brokerVersions.get(api.key);
    if (theirs === undefined)
      throw new UnsupportedVersionError(`${this.address} does not serve ${api.name}`);
    const version = Math.min(ours.max, theirs.max, maxVersion);
    if (version < Math.max(ours.min, theirs.min))
      throw new UnsupportedVersionError(
        `no version of ${api.name} in common: ${this.address} has ${theirs.min}-${theirs.max}, ` +
          `this client ${api.versions}`,
      );
    return version;
  }

  /** The cluster's finalized level of a feature such as transaction.version; 0 if it has none. */
  featureLevel(name: string): number {
    return this.#features.get(name) ?? 0;
  }

  /**
   * Resolves to the response, whatever error codes it holds. Rejects with ConnectionError,
   * TimeoutError or UnsupportedVersionError.
   */
  async request<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    body: Input<Q>,
    { timeoutMs, maxVersion }: RequestOptions = {},
  ): Promise<Output<S>> {
    const version = this.versionOf(api, maxVersion);
    const frame = await this.#exchange(api, version, body, timeoutMs ?? this.#timeoutMs);
    return this.#decode(() => decodeResponse(api, version, frame).body);
  }

  /** A request of a log-in, which is not held. */
  async #loginRequest<Q extends Fields, S extends Fields>(api: Api<Q, S>, body: Input<Q>) {
    const version = this.versionOf(api);
    const frame = await this.#exchange(api, version, body, this.#timeoutMs, { held: false });
    return this.#decode(() => decodeResponse(api, version, frame).body);
  }

  /**
   * Sends a request that has no response: Produce with acks=0. Resolves once the operating system
   * has the bytes.
   */
  send<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    body: Input<Q>,
    { maxVersion }: RequestOptions = {},
  ): Promise<void> {
    if (this.#closed !== null) return Promise.reject(this.#closed);
    const header = { correlationId: this.#takeCorrelationId(), clientId: this.#clientId };
    const frame = encodeRequest(api, this.versionOf(api, maxVersion), header, body);
    return new Promise((resolve, reject) => {
      const write = () =>
        this.#write(frame, (error) =>
          error ? reject(new ConnectionError(reason(this.address, error), error)) : resolve(),
        );
      if (this.#mustWait()) this.#held!.push(write);
      else write();
    });
  }

  /** Rejects the requests in progress with ConnectionError. */
  close(): void {
    this.#end(new ConnectionError(`the connection to ${this.address} was closed`));
  }

  #exchange<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Input<Q>,
    timeoutMs: number,
    { held = true } = {},
  ): Promise<Uint8Array> {
    if (this.#closed !== null) return Promise.reject(this.#closed);
    const correlationId = this.#takeCorrelationId();
    const header = { correlationId, clientId: this.#clientId };
    const frame = encodeRequest(api, version, header, body);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#expire(api.name, timeoutMs), timeoutMs);
      this.#pending.set(correlationId, { name: api.name, resolve, reject, timer });
      if (held && this.#mustWait()) this.#held!.push(() => this.#ask(frame));
      else this.#ask(frame);
    });
  }

  #ask(frame: readonly Uint8Array[]): void {
    this.#unanswered++;
    this.#write(frame);
  }

  /** Whether a request goes to `#held`, because the connection logs in anew before it. */
  #mustWait(): boolean {
    const session = this.#session;
    if (session !== null) {
      // The broker would close the connection.
      if (session.isOver()) this.#held ??= [];
      const isTime = this.#held !== null || session.isDue();
      if (isTime && !this.#renewing) void this.#renew(session);
    }
    return this.#held !== null;
  }

  /**
   * Logs in anew (KIP-368). Requests go on while a token is asked for. If there is none, it is
   * asked for again until the session is over.
   */
  async #renew(session: SaslSession): Promise<void> {
    this.#renewing = true;
    const dueInMs = session.dueInMs();
    if (dueInMs > 0) await new Promise((resolve) => void setTimeout(resolve, dueInMs));
    try {
      const login = await loginOf(this.#sasl!, this.#timeoutMs);
      this.#held ??= [];
      if (this.#unanswered > 0) {
        await new Promise<void>((resolve) => {
          this.#onAllAnswered = resolve;
        });
      }
      await this.#logIn(login);
    } catch (error) {
      if (this.#held !== null) this.#end(error as Error);
      else session.tryLater();
    }
    this.#renewing = false;
    this.#sendHeld();
  }

  #sendHeld(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const send of held) send();
  }

  #closeIfIdle(): void {
    if (this.#pending.size > 0) this.#idleTimer!.refresh();
    else this.#end(new ConnectionError(`the connection to ${this.address} was idle, and closed`));
  }

  #write(frame: readonly Uint8Array[], done?: (error?: Error | null) => void): void {
    this.#idleTimer?.refresh();
    this.#socket.cork();
    const last = frame.length - 1;
    for (const [index, chunk] of frame.entries())
      this.#socket.write(chunk, index === last ? done : undefined);
    this.#socket.uncork();
  }

  #receive(chunk: Uint8Array): void {
    try {
      for (const frame of this.#splitter.push(chunk)) {
        const id = new DataView(frame.buffer, frame.byteOffset).getInt32(0);
        const pending = this.#pending.get(id);
        if (pending === undefined)
          throw new ConnectionError(`${this.address} sent an unknown correlation id (${id})`);
        this.#pending.delete(id);
        clearTimeout(pending.timer);
        pending.resolve(frame);
        if (--this.#unanswered === 0) this.#onAllAnswered();
      }
    } catch (error) {
      this.#end(error as Error);
    }
  }

  #decode<T>(decode: () => T): T {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#end(new ConnectionError(`${this.address} sent a malformed response`, error));
      throw this.#closed!;
    }
  }

  #expire(name: string, timeoutMs: number): void {
    this.#end(new TimeoutError(`${this.address} did not answer ${name} within ${timeoutMs} ms`));
  }

  #end(error: Error): void {
    if (this.#closed !== null) return;
    this.#closed = error;
    clearTimeout(this.#idleTimer);
    this.#socket.destroy();
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(error);
    }
    this.#pending.clear();
    this.#sendHeld();
    this.#unanswered = 0;
    this.#onAllAnswered();
  }

  async #logIn(login: Login): Promise<void> {
    const { mechanism } = login;
    const about = `${this.address} refused ${mechanism}`;
    const { errorCode, mechanisms } = await this.#loginRequest(SaslHandshake, { mechanism });
    if (errorCode !== ErrorCode.NONE) {
      const detail = mechanisms.length === 0 ? null : `it offers ${mechanisms.join(", ")}`;
      throw new KafkaResponseError(errorCode, about, detail);
    }
    let lifetimeMs = 0;
    await logIn(login, async (authBytes) => {
      const answer = await this.#loginRequest(SaslAuthenticate, { authBytes });
      if (answer.errorCode !== ErrorCode.NONE)
        throw new KafkaResponseError(answer.errorCode, about, answer.errorMessage);
      lifetimeMs = answer.sessionLifetimeMs;
      return answer.authBytes;
    });
    const session = new SaslSession(lifetimeMs);
    this.#session = session.ends ? session : null;
  }

  #takeCorrelationId(): number {
    const id = this.#nextCorrelationId;
    this.#nextCorrelationId = (id + 1) & 0x7fffffff;
    return id;
  }

  /**
   * A broker that does not support our version of ApiVersions answers in version 0, with
   * UNSUPPORTED_VERSION and its versions of this API (KIP-511), and is asked again in one of these.
   */
  async #fetchVersions(version = rangeOf(ApiVersions.versions).max): Promise<void> {
    const body = {
      clientSoftwareName: CLIENT_SOFTWARE_NAME,
      clientSoftwareVersion: CLIENT_SOFTWARE_VERSION,
    };
    const frame = await this.#exchange(ApiVersions, version, body, this.#timeoutMs);
    const errorCode = new DataView(frame.buffer, frame.byteOffset).getInt16(4);
    const isNewer = errorCode === ErrorCode.UNSUPPORTED_VERSION && version > 0;
    const answeredAs = isNewer ? 0 : version;
    const answer = this.#decode(() => decodeResponse(ApiVersions, answeredAs, frame).body);
    if (isNewer) {
      const theirs = answer.apiKeys.find(({ apiKey }) => apiKey === ApiVersions.key);
      return this.#fetchVersions(Math.max(0, Math.min(theirs?.maxVersion ?? 0, version - 1)));
    }
    if (answer.errorCode !== 0)
      throw new KafkaResponseError(answer.errorCode, `${this.address} refused ApiVersions`);
    for (const { apiKey, minVersion, maxVersion } of answer.apiKeys)
      this.#brokerVersions.set(apiKey, { min: minVersion, max: maxVersion });
    for (const { name, maxVersionLevel } of answer.finalizedFeatures)
      this.#features.set(name, maxVersionLevel);
  }
}
