import {
  type Api,
  codecOf,
  ErrorCode,
  type Fields,
  type Input,
  i16,
  type Output,
  type Range,
  Reader,
  type RecordSchema,
  rangeOf,
  record,
  recordCodec,
  string,
  Writer,
} from "@tarpan/protocol";

// A frame on the bus: a header, then the message at the version that the header names. The bus
// matches answers to requests. Headers get only tagged fields, which brokers of an earlier release
// skip.

const Header = record({
  key: 0,
  name: "RpcHeader",
  versions: "0",
  flexible: "0+",
  fields: { key: i16, version: i16 },
});

const AnswerHeader = record({
  key: 1,
  name: "RpcAnswerHeader",
  versions: "0",
  flexible: "0+",
  fields: {
    /** If it is not NONE, no response follows. */
    errorCode: i16,
    errorMessage: string.nullable().default(null).tag(0, "0+"),
    /** The versions of the API that the answering broker speaks; none if min is above max. */
    minVersion: i16,
    maxVersion: i16,
  },
});

const header = recordCodec(Header, 0);
const answerHeader = recordCodec(AnswerHeader, 0);
const NO_VERSION = rangeOf("none");

export type AnswerHeader = Output<typeof AnswerHeader.fields>;

/** Leaves the reader at the start of the message. Throws ProtocolError. */
export function readHeader(reader: Reader): Output<typeof Header.fields> {
  return header.read(reader);
}

export function encodeRequest<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
  request: Input<Q>,
): Uint8Array {
  const writer = new Writer();
  header.write(writer, { key: api.key, version });
  codecOf(api, version).writeRequest(writer, request);
  return writer.join();
}

export function encodeAnswer<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
  response: Input<S>,
): Uint8Array {
  const writer = new Writer();
  const { min, max } = rangeOf(api.versions);
  answerHeader.write(writer, { errorCode: ErrorCode.NONE, minVersion: min, maxVersion: max });
  codecOf(api, version).writeResponse(writer, response);
  return writer.join();
}

/** `versions` are those that this broker speaks, null if it does not serve the API. */
export function encodeRefusal(
  errorCode: number,
  errorMessage: string,
  versions: Range | null,
): Uint8Array {
  const writer = new Writer();
  const { min, max } = versions === null ? NO_VERSION : rangeOf(versions);
  answerHeader.write(writer, { errorCode, errorMessage, minVersion: min, maxVersion: max });
  return writer.join();
}

/** Leaves the reader at the start of the response, if there is one. Throws ProtocolError. */
export function readAnswerHeader(reader: Reader): AnswerHeader {
  return answerHeader.read(reader);
}

export function encodeBroadcast<F extends Fields>(
  news: RecordSchema<F>,
  value: Input<F>,
): Uint8Array {
  const writer = new Writer();
  const version = newsVersion(news);
  header.write(writer, { key: news.key, version });
  recordCodec(news, version).write(writer, value);
  return writer.join();
}

/** Null for another message, or a version that this broker does not know. Throws ProtocolError. */
export function decodeBroadcast<F extends Fields>(
  news: RecordSchema<F>,
  frame: Uint8Array,
): Output<F> | null {
  const reader = new Reader(frame);
  const { key, version } = readHeader(reader);
  if (key !== news.key || version !== newsVersion(news)) return null;
  return recordCodec(news, version).read(reader);
}

/** News have one version for ever: they reach brokers of every release, and each must read them. */
function newsVersion({ versions }: RecordSchema): number {
  return rangeOf(versions).min;
}
