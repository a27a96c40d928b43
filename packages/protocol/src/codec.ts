import { canCompile, compileRead, compileWrite } from "./compile.ts";
import { interpret, type StructCodec } from "./interpret.ts";
import type { Reader } from "./reader.ts";
import type { AnyApi, Api, Fields, Input, Output, RecordSchema } from "./schema.ts";
import { includes } from "./versions.ts";
import type { Writer } from "./writer.ts";

/** Reads and writes one API at one version. The read methods throw ProtocolError. */
export interface Codec<Q extends Fields, S extends Fields> {
  readonly version: number;
  readonly flexible: boolean;
  readRequest(reader: Reader): Output<Q>;
  writeRequest(writer: Writer, value: Input<Q>): void;
  readResponse(reader: Reader): Output<S>;
  writeResponse(writer: Writer, value: Input<S>): void;
}

/** Reads and writes one kind of log record at one version. */
export interface RecordCodec<F extends Fields> {
  readonly version: number;
  readonly flexible: boolean;
  read(reader: Reader): Output<F>;
  write(writer: Writer, value: Input<F>): void;
}

type Untyped = Record<string, unknown>;

const apiCodecs = new WeakMap<AnyApi, unknown[]>();
const recordCodecs = new WeakMap<object, unknown[]>();

/**
 * The codec of an API at a version, which is compiled once. Throws RangeError if the schema lacks
 * the version.
 */
export function codecOf<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
): Codec<Q, S> {
  return cached(apiCodecs, api, version, (flexible) => {
    const request = lazy(api.request, version, flexible);
    const response = lazy(api.response, version, flexible);
    return {
      version,
      flexible,
      readRequest: (reader) => request.read(reader) as Output<Q>,
      writeRequest: (writer, value) => request.write(writer, value as Untyped),
      readResponse: (reader) => response.read(reader) as Output<S>,
      writeResponse: (writer, value) => response.write(writer, value as Untyped),
    };
  });
}

/**
 * The codec of a log record at a version. Throws RangeError if the schema lacks the version.
 */
export function recordCodec<F extends Fields>(
  record: RecordSchema<F>,
  version: number,
): RecordCodec<F> {
  return cached(recordCodecs, record, version, (flexible) => {
    const fields = lazy(record.fields, version, flexible);
    return {
      version,
      flexible,
      read: (reader) => fields.read(reader) as Output<F>,
      write: (writer, value) => fields.write(writer, value as Untyped),
    };
  });
}

function cached<C>(
  cache: WeakMap<object, unknown[]>,
  of: Pick<AnyApi, "name" | "versions" | "flexible">,
  version: number,
  make: (flexible: boolean) => C,
): C {
  let codecs = cache.get(of);
  if (codecs === undefined) {
    codecs = [];
    cache.set(of, codecs);
  }
  const known = codecs[version];
  if (known !== undefined) return known as C;
  if (!includes(of.versions, version))
    throw new RangeError(`${of.name} has no version ${version}, only ${of.versions}`);
  const codec = make(includes(of.flexible, version));
  codecs[version] = codec;
  return codec;
}

/**
 * Compiles reading and writing when each is first used: a broker never reads responses, and a
 * client uses few versions.
 */
function lazy(fields: Fields, version: number, flexible: boolean): StructCodec {
  if (!canCompile) return interpret(fields, version, flexible);
  let read: StructCodec["read"] | undefined;
  let write: StructCodec["write"] | undefined;
  return {
    read(reader) {
      read ??= compileRead(fields, version, flexible);
      return read(reader);
    },
    write(writer, value) {
      write ??= compileWrite(fields, version, flexible);
      write(writer, value);
    },
  };
}
