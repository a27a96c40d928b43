/** Whole requests and responses: the length prefix, the header and the body. */
import { codecOf } from "./codec.ts";
import {
  type RequestHeader,
  readRequestHeader,
  readResponseHeader,
  writeRequestHeader,
  writeResponseHeader,
} from "./headers.ts";
import { malformed } from "./protocol-error.ts";
import { Reader } from "./reader.ts";
import type { Api, Fields, Input, Output } from "./schema.ts";
import { includes } from "./versions.ts";
import { Writer } from "./writer.ts";

const LENGTH_BYTES = 4;

/** A request with its length prefix, in chunks for a gathering write. */
export function encodeRequest<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
  header: Pick<RequestHeader, "correlationId" | "clientId">,
  body: Input<Q>,
): Uint8Array[] {
  const writer = new Writer();
  writer.i32(0);
  writeRequestHeader(writer, api, version, header.correlationId, header.clientId);
  codecOf(api, version).writeRequest(writer, body);
  return withLength(writer);
}

/** A response with its length prefix, in chunks for a gathering write. */
export function encodeResponse<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
  correlationId: number,
  body: Input<S>,
): Uint8Array[] {
  const writer = new Writer();
  writer.i32(0);
  writeResponseHeader(writer, api, version, correlationId);
  codecOf(api, version).writeResponse(writer, body);
  return withLength(writer);
}

/**
 * Decodes a request; `frame` starts after the length prefix. Throws ProtocolError if it is
 * malformed, of another API, or of a version that the schema lacks. Ignores bytes after the last
 * field, as Kafka does: librdkafka sends three of them in Metadata v9 and later for all topics.
 */
export function decodeRequest<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  frame: Uint8Array,
): { header: RequestHeader; body: Output<Q> } {
  const reader = new Reader(frame);
  const header = readRequestHeader(reader, (key) => (key === api.key ? api : undefined));
  if (header.apiKey !== api.key) malformed(`API key ${header.apiKey} instead of ${api.key}`);
  if (!includes(api.versions, header.apiVersion))
    malformed(`${api.name} has no version ${header.apiVersion}`);
  return { header, body: codecOf(api, header.apiVersion).readRequest(reader) };
}

/**
 * Decodes a response; `frame` starts after the length prefix. Throws ProtocolError if it is
 * malformed. Ignores bytes after the last field.
 */
export function decodeResponse<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
  frame: Uint8Array,
): { correlationId: number; body: Output<S> } {
  const reader = new Reader(frame);
  const correlationId = readResponseHeader(reader, api, version);
  return { correlationId, body: codecOf(api, version).readResponse(reader) };
}

function withLength(writer: Writer): Uint8Array[] {
  const length = writer.byteLength - LENGTH_BYTES;
  const chunks = writer.finish();
  const first = chunks[0]!;
  first[0] = length >>> 24;
  first[1] = length >>> 16;
  first[2] = length >>> 8;
  first[3] = length;
  return chunks;
}
