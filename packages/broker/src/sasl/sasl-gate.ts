import {
  type Api,
  ApiVersions,
  apiOf,
  codecOf,
  ErrorCode,
  encodeResponse,
  type Fields,
  includes,
  ProtocolError,
  Reader,
  type RequestHeader,
  readRequestHeader,
  SaslAuthenticate,
  SaslHandshake,
} from "@tarpan/protocol";
import type { SaslMechanism, SaslSettings } from "../config/sasl-settings.ts";
import type { Env } from "../env/env.ts";
import {
  type KafkaPrincipal,
  principalText,
  user as userPrincipal,
} from "../security/principal.ts";
import type { GatedConnection } from "../server/gate.ts";
import { type CloseReason, RefusedRequest } from "../server/refused-request.ts";
import type { PendingRequest, RequestRouter } from "../server/router.ts";
import type { BearerTokens } from "./bearer-tokens.ts";
import type { Credentials } from "./credentials.ts";
import { AuthenticationError, type Exchange, type Step } from "./exchange.ts";
import { OAuthBearerExchange } from "./oauth-bearer-exchange.ts";
import { PlainExchange } from "./plain.ts";
import { ScramExchange } from "./scram-exchange.ts";

/** What the gates of one listener share. */
export interface GateParts {
  readonly settings: SaslSettings;
  readonly credentials: Credentials;
  /** Null without OAUTHBEARER. */
  readonly tokens: BearerTokens | null;
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  /** Resolves when the users are known: a client must not be refused before. */
  readonly ready: Promise<unknown>;
  /** Whether users may have been deleted without this broker's knowledge. */
  readonly isIsolated: () => boolean;
}

type Frames = readonly Uint8Array[];

/** A client may authenticate its connection anew after this time, ms: Kafka's limit. */
const MIN_REAUTH_INTERVAL_MS = 1_000;

/**
 * Lets only the requests of an authenticated client through to the router, as Kafka's
 * `SaslServerAuthenticator` does. Before, ApiVersions may come once, then a handshake, then tokens:
 * in SaslAuthenticate requests or, after a handshake of version 0, as they are. Everything else
 * closes the connection.
 *
 * Invariants:
 * 1. Until the client is authenticated, a frame is looked at only when all frames before it are
 *    answered.
 * 2. A failed authentication ends the connection.
 * 3. Who logged in while the broker was isolated is served nothing, also after that: the user may
 *    have been deleted. The log-in itself is answered, because kafkajs gives up for good when its
 *    connection ends in the middle of one. After that it asks another broker.
 */
export class SaslGate implements RequestRouter {
  readonly #parts: GateParts;
  readonly #connection: GatedConnection;
  #state: "versions" | "handshake" | "tokens" | "raw tokens" | "done" = "versions";
  #exchange: Exchange | null = null;
  #mechanism: SaslMechanism | null = null;
  /** The client when it authenticates anew: it has to stay the same. */
  #before: { readonly principal: KafkaPrincipal; readonly mechanism: SaslMechanism } | null = null;
  #wrongMechanism: string | null = null;
  /** Whether the users were not known for certain when the client logged in. */
  #isDoubtful = false;
  #authenticatedMs = 0;
  #expiresMs = Number.POSITIVE_INFINITY;
  /** What the client is told of its session, ms; 0 if it does not end. */
  #sessionMs = 0;

  constructor(parts: GateParts, connection: GatedConnection) {
    this.#parts = parts;
    this.#connection = connection;
  }

  accept(frame: Uint8Array): PendingRequest {
    const { router, info } = this.#connection;
    if (this.#state !== "done") return { lane: null, run: () => this.#inTurn(frame) };
    if (this.#isDoubtful) {
      const why = "its client logged in while this broker was isolated";
      throw new RefusedRequest("isolated", why);
    }
    if (this.#beginsAnew(frame)) return { lane: null, run: () => this.#inTurn(frame) };
    if (this.#parts.env.clock.monotonicMs() > this.#expiresMs) {
      const why =
        "its session is over (its token has expired, or connections.max.reauth.ms), and it did " +
        "not authenticate anew";
      throw new RefusedRequest("session-expired", why);
    }
    return router.accept(frame, info);
  }

  closed(): void {
    const failure = this.#exchange?.failure;
    if (failure != null) this.#connection.refuse(this.#refusalFor(failure));
    this.#connection.router.closed(this.#connection.info);
  }

  #beginsAnew(frame: Uint8Array): boolean {
    if (apiKeyOf(frame) !== SaslHandshake.key) return false;
    const since = this.#parts.env.clock.monotonicMs() - this.#authenticatedMs;
    return since >= MIN_REAUTH_INTERVAL_MS;
  }

  async #inTurn(frame: Uint8Array): Promise<Frames | null> {
    await this.#parts.ready;
    switch (this.#state) {
      case "tokens":
        return this.#authenticate(frame);
      case "raw tokens":
        return this.#rawToken(frame);
      case "done":
        if (!this.#beginsAnew(frame)) return this.accept(frame).run();
        this.#before = { principal: this.#connection.info.principal, mechanism: this.#mechanism! };
        return this.#handshake(frame);
      default:
        return apiKeyOf(frame) === ApiVersions.key ? this.#versions(frame) : this.#handshake(frame);
    }
  }

  async #versions(frame: Uint8Array): Promise<Frames | null> {
    if (this.#state !== "versions") throw unexpected("ApiVersions came twice");
    const { router, info } = this.#connection;
    const response = await router.accept(frame, info).run();
    if (response !== null && errorCodeOf(response) === ErrorCode.NONE) this.#state = "handshake";
    return response;
  }

  async #handshake(frame: Uint8Array): Promise<Frames> {
    const { header, body } = read(SaslHandshake, frame);
    const { mechanisms } = this.#parts.settings;
    const mechanism = mechanisms.find((name) => name === body.mechanism);
    const respond = (errorCode: number) =>
      encodeResponse(SaslHandshake, header.apiVersion, header.correlationId, {
        errorCode,
        mechanisms: [...mechanisms],
      });
    if (mechanism === undefined) {
      const why = `it asks for a SASL mechanism that is not enabled (enabled: ${mechanisms})`;
      return this.#fail(why, header, respond(ErrorCode.UNSUPPORTED_SASL_MECHANISM));
    }
    const before = this.#before?.mechanism ?? mechanism;
    this.#wrongMechanism =
      before === mechanism
        ? null
        : `a client that logged in by ${before} must do so again by ${before}, not ${mechanism}`;
    this.#mechanism = before;
    this.#exchange = this.#newExchange(mechanism);
    this.#state = header.apiVersion === 0 ? "raw tokens" : "tokens";
    return respond(ErrorCode.NONE);
  }

  async #authenticate(frame: Uint8Array): Promise<Frames> {
    const failure = this.#exchange?.failure;
    // Some clients don't read what they are told, and go on.
    if (failure != null && apiKeyOf(frame) !== SaslAuthenticate.key) {
      this.#exchange = null;
      throw this.#refusalFor(failure);
    }
    const { header, body } = read(SaslAuthenticate, frame);
    const respond = (errorCode: number, errorMessage: string | null, step: Step | null) =>
      encodeResponse(SaslAuthenticate, header.apiVersion, header.correlationId, {
        ...{ errorCode, errorMessage },
        authBytes: step?.token ?? new Uint8Array(0),
        sessionLifetimeMs: step?.user == null ? 0 : this.#sessionMs,
      });
    try {
      const step = await this.#next(body.authBytes);
      return respond(ErrorCode.NONE, null, step);
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      const told = error.told ?? this.#failedText();
      const response = respond(ErrorCode.SASL_AUTHENTICATION_FAILED, told, null);
      return this.#fail(this.#reasonOf(error), header, response);
    }
  }

  async #rawToken(frame: Uint8Array): Promise<Frames> {
    try {
      const { token } = await this.#next(frame);
      const length = Buffer.alloc(4);
      length.writeInt32BE(token.length);
      return [length, token];
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      // A client that sends tokens as they are takes the end of the connection for the answer.
      return this.#fail(this.#reasonOf(error), null, []);
    }
  }

  async #next(token: Uint8Array): Promise<Step> {
    if (this.#wrongMechanism !== null) {
      throw new AuthenticationError(this.#wrongMechanism, this.#wrongMechanism);
    }
    this.#isDoubtful ||= this.#parts.isIsolated();
    const step = await this.#exchange!.next(token);
    this.#isDoubtful ||= this.#parts.isIsolated();
    if (step.user !== null) this.#complete(userPrincipal(step.user), step.expiresMs);
    return step;
  }

  #complete(principal: KafkaPrincipal, credentialExpiresMs = Number.POSITIVE_INFINITY): void {
    const before = this.#before?.principal;
    if (before !== undefined && principalText(before) !== principalText(principal)) {
      const why = `the connection of ${principalText(before)} can't become that of another user`;
      throw new AuthenticationError(why, why);
    }
    const { clock } = this.#parts.env;
    const maxReauthMs = this.#parts.settings.maxReauthMs[this.#mechanism!];
    const lifetimeMs = Math.min(
      credentialExpiresMs - clock.wallMs(),
      maxReauthMs > 0 ? maxReauthMs : Number.POSITIVE_INFINITY,
    );
    this.#authenticatedMs = clock.monotonicMs();
    this.#expiresMs = this.#authenticatedMs + lifetimeMs;
    this.#sessionMs = sessionLifetime(lifetimeMs);
    this.#exchange = null;
    this.#state = "done";
    this.#connection.authenticated(principal, this.#mechanism!);
  }

  #newExchange(mechanism: SaslMechanism): Exchange {
    const { settings, credentials, tokens, env } = this.#parts;
    if (mechanism === "OAUTHBEARER") return new OAuthBearerExchange(tokens!);
    if (mechanism === "PLAIN") {
      const { remoteAddress } = this.#connection.info;
      return new PlainExchange(credentials, settings.plainUsers.reveal(), remoteAddress);
    }
    return new ScramExchange(mechanism, credentials, env.random);
  }

  #reasonOf(error: AuthenticationError): string {
    return `SASL ${this.#mechanism}: ${error.message}`;
  }

  #refusalFor(error: AuthenticationError): RefusedRequest {
    return new RefusedRequest("authentication", this.#reasonOf(error));
  }

  #failedText(): string {
    const again = this.#before === null ? "" : ", or another user than before";
    return `${this.#mechanism}: wrong user name or password${again}`;
  }

  /** Takes no further frame, and answers after a delay, so that guessing takes time. */
  async #fail(why: string, header: RequestHeader | null, response: Frames): Promise<Frames> {
    const request = header && nameOf(header);
    this.#exchange = null;
    this.#connection.refuse(new RefusedRequest("authentication", why, request));
    const { timers } = this.#parts.env;
    await new Promise<void>((resolve) => {
      timers.after(this.#parts.settings.failedDelayMs, resolve);
    });
    return response;
  }
}

/**
 * As it is told to a client, for whom 0 is a session without end: a token may have expired as long
 * ago as clocks may differ.
 */
function sessionLifetime(lifetimeMs: number): number {
  if (lifetimeMs === Number.POSITIVE_INFINITY) return 0;
  return Math.min(Math.max(1, Math.floor(lifetimeMs)), Number.MAX_SAFE_INTEGER);
}

function apiKeyOf(frame: Uint8Array): number {
  return frame.length < 2 ? -1 : (frame[0]! << 8) | frame[1]!;
}

/** After the length and the correlation id; the header of ApiVersions has no more. */
function errorCodeOf(response: Frames): number {
  return Buffer.concat(response).readInt16BE(8);
}

/** Throws RefusedRequest for another API, whose body is not parsed, and for what is malformed. */
function read<Q extends Fields, S extends Fields>(api: Api<Q, S>, frame: Uint8Array) {
  const key = apiKeyOf(frame);
  if (key !== api.key) {
    throw unexpected(`${apiOf(key)?.name ?? `API key ${key}`} came instead of ${api.name}`);
  }
  try {
    const reader = new Reader(frame);
    const header = readRequestHeader(reader, apiOf);
    if (!includes(api.versions, header.apiVersion)) {
      const text = `${api.name} version ${header.apiVersion} is not served`;
      throw new RefusedRequest("unsupported-version", text, nameOf(header));
    }
    return { header, body: codecOf(api, header.apiVersion).readRequest(reader) };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new RefusedRequest("unparsable", `${api.name} does not parse: ${error.message}`);
  }
}

function nameOf({ apiKey, apiVersion, clientId }: RequestHeader) {
  return { api: apiOf(apiKey)?.name ?? String(apiKey), apiVersion, clientId };
}

function unexpected(what: string): RefusedRequest {
  const reason: CloseReason = "authentication";
  return new RefusedRequest(reason, `${what}, and the client is not authenticated yet`);
}
