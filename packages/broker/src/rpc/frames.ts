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

// What travels on the bus: a header, then the message at the version that the header names. Which
// answer belongs to which request the bus knows. A header grows by tagged fields alone, which
// brokers of an earlier release skip.

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
    /** Other than NONE: nothing follows. */
    errorCode: i16,
    errorMessage: string.nullable().default(null).tag(0, "0+"),
    /** Of the API that was asked, what its sender speaks; none when the first is the higher. */
    minVersion: i16,
    maxVersion: i16,
  },
});

const header = recordCodec(Header, 0);
const answerHeader = recordCodec(AnswerHeader, 0);
const NO_VERSION = rangeOf("none");

export type AnswerHeader = Output<typeof AnswerHeader.fields>;

/** Throws ProtocolError. The reader stands before the message then. */
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

/** `versions` are those that its sender speaks, null where it does not know the API. */
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

/** Throws ProtocolError. The reader stands before the response then, if there is one. */
export function readAnswerHeader(reader: Reader): AnswerHeader {
  return answerHeader.read(reader);
}

export function encodeNews<F extends Fields>(news: RecordSchema<F>, value: Input<F>): Uint8Array {
  const writer = new Writer();
  const version = newsVersion(news);
  header.write(writer, { key: news.key, version });
  recordCodec(news, version).write(writer, value);
  return writer.join();
}

/** Throws ProtocolError; null for another message, or a version of it that is not known here. */
export function decodeNews<F extends Fields>(
  news: RecordSchema<F>,
  frame: Uint8Array,
): Output<F> | null {
  const reader = new Reader(frame);
  const { key, version } = readHeader(reader);
  if (key !== news.key || version !== newsVersion(news)) return null;
  return recordCodec(news, version).read(reader);
}

/** The only one: nobody knows whom it reaches, so that each release must read it. */
function newsVersion({ versions }: RecordSchema): number {
  return rangeOf(versions).min;
}
