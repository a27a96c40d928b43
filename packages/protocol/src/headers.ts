import { ProtocolError } from "./protocol-error.ts";
import type { Reader } from "./reader.ts";
import type { AnyApi } from "./schema.ts";
import { includes } from "./versions.ts";
import type { Writer } from "./writer.ts";

/**
 * The header of every request. The length of the client id is an int16 in all versions, so that any
 * broker can read it.
 */
export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

type HeaderRules = Pick<AnyApi, "key" | "flexible">;

const API_VERSIONS = 18;
const CONTROLLED_SHUTDOWN = 7;

/** Version 0 has no client id (only ControlledShutdown v0), version 2 has tagged fields. */
export function requestHeaderVersion(api: HeaderRules, version: number): 0 | 1 | 2 {
  if (api.key === CONTROLLED_SHUTDOWN && version === 0) return 0;
  return includes(api.flexible, version) ? 2 : 1;
}

/**
 * Version 1 has tagged fields. ApiVersions always has version 0: any client must be able to read
 * its response (KIP-511).
 */
export function responseHeaderVersion(api: HeaderRules, version: number): 0 | 1 {
  return api.key !== API_VERSIONS && includes(api.flexible, version) ? 1 : 0;
}

/**
 * Reads a request header. If `apiOf` does not know the API, the client id is read if possible: all
 * header versions but 0 have one. For an API version beyond the schema's, the schema's last rule
 * applies, so that the header of a newer ApiVersions request can be read.
 */
export function readRequestHeader(
  reader: Reader,
  apiOf: (key: number) => HeaderRules | undefined,
): RequestHeader {
  const apiKey = reader.i16();
  const apiVersion = reader.i16();
  const correlationId = reader.i32();
  const api = apiOf(apiKey);
  if (api === undefined) {
    return { apiKey, apiVersion, correlationId, clientId: likelyClientId(reader) };
  }
  const headerVersion = requestHeaderVersion(api, apiVersion);
  const clientId = headerVersion > 0 ? readNullableString(reader) : null;
  if (headerVersion === 2) reader.skipTags();
  return { apiKey, apiVersion, correlationId, clientId };
}

function likelyClientId(reader: Reader): string | null {
  try {
    return readNullableString(reader);
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

export function writeRequestHeader(
  writer: Writer,
  api: HeaderRules,
  version: number,
  correlationId: number,
  clientId: string | null,
): void {
  const headerVersion = requestHeaderVersion(api, version);
  writer.i16(api.key);
  writer.i16(version);
  writer.i32(correlationId);
  if (headerVersion === 0) return;
  if (clientId === null) writer.i16(-1);
  else writer.string(clientId);
  if (headerVersion === 2) writer.uvarint(0);
}

/** Returns the correlation id. */
export function readResponseHeader(reader: Reader, api: HeaderRules, version: number): number {
  const correlationId = reader.i32();
  if (responseHeaderVersion(api, version) === 1) reader.skipTags();
  return correlationId;
}

export function writeResponseHeader(
  writer: Writer,
  api: HeaderRules,
  version: number,
  correlationId: number,
): void {
  writer.i32(correlationId);
  if (responseHeaderVersion(api, version) === 1) writer.uvarint(0);
}

/** Any negative length means null, as for strings in a body. */
function readNullableString(reader: Reader): string | null {
  const length = reader.i16();
  return length < 0 ? null : reader.text(length);
}
