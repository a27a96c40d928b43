import {
  ApiVersions,
  apiOf,
  codecOf,
  ErrorCode,
  encodeResponse,
  includes,
  Produce,
  ProtocolError,
  Reader,
  type RequestHeader,
  readRequestHeader,
} from "@tarpan/protocol";
import type { Change } from "../audit/audit-event.ts";
import type { RequestMetrics } from "../metrics/request-metrics.ts";
import { DENIED } from "../security/permission.ts";
import { type CloseReason, RefusedRequest } from "../server/refused-request.ts";
import type { ConnectionInfo, PendingRequest, RequestRouter } from "../server/router.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { changesIn, isChanging } from "./audited-changes.ts";
import { errorCodeFinder } from "./first-error-code.ts";
import { CloseConnection, type Handler, type RequestContext, type Services } from "./handler.ts";
import { RequestUsage } from "./request-usage.ts";

/** Parses a frame, runs its handler and encodes the response. */
export class HandlerRouter implements RequestRouter {
  readonly #services: Services;
  readonly #metrics: RequestMetrics;
  readonly #handlers: Handler[] = [];
  /** By API key. */
  readonly #isChanging: boolean[] = [];
  /** For metrics, by API key. */
  readonly #firstErrorCode: ReturnType<typeof errorCodeFinder>[] = [];

  constructor(handlers: readonly Handler[], services: Services, metrics: RequestMetrics) {
    this.#services = services;
    this.#metrics = metrics;
    for (const handler of handlers) {
      this.#handlers[handler.api.key] = handler;
      this.#isChanging[handler.api.key] = isChanging(handler);
      this.#firstErrorCode[handler.api.key] = errorCodeFinder(handler.api);
    }
  }

  accept(frame: Uint8Array, connection: ConnectionInfo): PendingRequest {
    const reader = new Reader(frame);
    const header = this.#readHeader(reader);
    const handler = this.#handlers[header.apiKey];
    if (handler === undefined) throw refused("unknown-api", header, "is not served");
    // The metadata of an isolated broker may be outdated: its clients have to ask another broker.
    if (this.#services.metadata.leadership.isExpired) {
      throw refused(
        "isolated",
        header,
        "came while this broker is isolated: heartbeats come from too few brokers",
      );
    }
    if (!includes(handler.versions, header.apiVersion)) {
      if (handler.api === ApiVersions) return this.#answerNewerClient(handler, header, connection);
      throw refused("unsupported-version", header, `is not served, only ${handler.versions} are`);
    }
    // Bytes after the last field are ignored, as Kafka does: librdkafka sends some.
    const request = readBody(handler, header, reader);
    const context = this.#contextOf(header, connection);
    return {
      lane: handler.lane,
      run: () => this.#run(handler, header, request, context, frame.length),
    };
  }

  #readHeader(reader: Reader): RequestHeader {
    try {
      return readRequestHeader(reader, apiOf);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw new RefusedRequest("unparsable", `no request header: ${error.message}`);
    }
  }

  async #run(
    handler: Handler,
    header: RequestHeader,
    request: unknown,
    context: RequestContext,
    requestBytes: number,
  ): Promise<readonly Uint8Array[] | null> {
    const { clock } = this.#services.env;
    const counts = this.#metrics.begin(header.apiKey);
    const { timedFor } = counts;
    const startedMs = clock.monotonicMs();
    let errorCode: number = ErrorCode.UNKNOWN_SERVER_ERROR;
    const usage = context.limits && new RequestUsage(context, context.limits);
    try {
      if (usage !== null && handler.api === Produce) usage.produced(requestBytes);
      const denied = this.#denied(handler, request, context);
      const pending =
        denied === ErrorCode.NONE
          ? handler.handle(request, context)
          : handler.failure(request, denied, context);
      if (timedFor > 0) counts.localMs += timedFor * (clock.monotonicMs() - startedMs);
      usage?.worked(startedMs);
      const response = await pending;
      const { apiKey, apiVersion, correlationId } = header;
      errorCode = response === undefined ? ErrorCode.NONE : this.#firstErrorCode[apiKey]!(response);
      if (response === undefined) return null;
      if (this.#isChanging[apiKey] && denied === ErrorCode.NONE) {
        this.#audit(changesIn(handler, request, response, errorCode), context);
      }
      if (usage !== null) return usage.encode(handler.api, correlationId, response);
      return encodeResponse(handler.api, apiVersion, correlationId, response);
    } catch (error) {
      if (error instanceof CloseConnection) throw refused("acks-0-error", header, error.message);
      if (error instanceof KafkaError) {
        errorCode = error.errorCode;
        const response = handler.failure(request, errorCode, context);
        if (this.#isChanging[header.apiKey]) {
          this.#audit(changesIn(handler, request, response, errorCode), context);
        }
        if (usage !== null) return usage.encode(handler.api, header.correlationId, response);
        return encodeResponse(handler.api, header.apiVersion, header.correlationId, response);
      }
      return this.#answerBug(handler, header, request, context, error);
    } finally {
      counts.answered(errorCode, clock.monotonicMs() - startedMs);
    }
  }

  #audit(changes: readonly Change[], { connection }: RequestContext): void {
    for (const change of changes) this.#services.audit.changed(connection, change);
  }

  /** The error code that refuses the whole request; 0 when the client is authorized. */
  #denied({ authorize }: Handler, request: unknown, { connection }: RequestContext): number {
    const { authorizer, audit } = this.#services;
    for (const { anyOf, resourceType, nameOf } of authorize) {
      if (nameOf === null) continue;
      const name = nameOf(request);
      const isAllowed = anyOf.some((operation) =>
        authorizer.allows(connection, operation, resourceType, name),
      );
      if (isAllowed) continue;
      audit.refused(connection, anyOf[0]!, resourceType, name);
      return DENIED[resourceType];
    }
    return ErrorCode.NONE;
  }

  /** After a bug only this request fails; the connection and the process go on. */
  #answerBug(
    handler: Handler,
    { apiVersion, correlationId, clientId }: RequestHeader,
    request: unknown,
    context: RequestContext,
    error: unknown,
  ): readonly Uint8Array[] {
    const { name } = handler.api;
    this.#services.logger.error(`${name} v${apiVersion} failed: this is a bug in Tarpan`, {
      correlationId,
      clientId,
      error,
    });
    const response = handler.failure(request, ErrorCode.UNKNOWN_SERVER_ERROR, context);
    return encodeResponse(handler.api, apiVersion, correlationId, response);
  }

  /** KIP-511: an ApiVersions request of a newer version is answered as version 0, with the list. */
  #answerNewerClient(
    handler: Handler,
    header: RequestHeader,
    connection: ConnectionInfo,
  ): PendingRequest {
    const context = this.#contextOf({ ...header, apiVersion: 0 }, connection);
    const response = handler.failure({}, ErrorCode.UNSUPPORTED_VERSION, context);
    const frame = encodeResponse(handler.api, 0, header.correlationId, response);
    return { lane: null, run: () => Promise.resolve(frame) };
  }

  #contextOf({ apiVersion, clientId }: RequestHeader, connection: ConnectionInfo): RequestContext {
    const services = this.#services;
    const { quotas } = services;
    const limits = quotas.active ? quotas.limitsOf(connection, clientId) : null;
    return { services, connection, version: apiVersion, clientId, limits };
  }

  closed(): void {
    // Fetch sessions outlive connections (KIP-227), and a connection has no other state here.
  }
}

function readBody({ api }: Handler, header: RequestHeader, reader: Reader): unknown {
  try {
    return codecOf(api, header.apiVersion).readRequest(reader);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw refused("unparsable", header, `does not parse: ${error.message}`);
  }
}

/** To be thrown: closes the connection, because the protocol has no response for such a request. */
function refused(reason: CloseReason, header: RequestHeader, why: string): RefusedRequest {
  const { apiKey, apiVersion, clientId } = header;
  const name = apiOf(apiKey)?.name;
  const api = name === undefined ? `API key ${apiKey}` : `${name} (${apiKey})`;
  const text = `${api} version ${apiVersion} ${why}`;
  return new RefusedRequest(reason, text, { api, apiVersion, clientId });
}
