/**
 * Reads and writes a schema step by step: slow, but simple. Tests compare the generated code of
 * compile.ts with it, and it replaces that code if code generation is forbidden.
 *
 * The rules are those of Kafka's MessageDataGenerator. A field that the version lacks, or a tagged
 * field that was not sent, reads as its default. A value for a field that the version lacks is not
 * written (Kafka throws unless the field is "ignorable"). A tagged field is sent if its value is
 * not the default. Array elements are never null. The length of a known tagged field is ignored.
 */
import {
  defaultOf,
  defaultStruct,
  isDefault,
  isNullable,
  isPresent,
  minimumBytes,
} from "./layout.ts";
import { malformed } from "./protocol-error.ts";
import type { Reader } from "./reader.ts";
import { type AnyField, type Definition, Field, type Fields, type Schema } from "./schema.ts";
import type { Writer } from "./writer.ts";

type Struct = Record<string, unknown>;

/** A schema at one version, as functions. */
export interface StructCodec {
  read(reader: Reader): Struct;
  write(writer: Writer, value: Struct): void;
}

export function interpret(fields: Fields, version: number, flexible: boolean): StructCodec {
  function readLength(r: Reader, d: Definition): number {
    const length = flexible ? r.uvarint() - 1 : d.kind === "string" ? r.i16() : r.i32();
    if (length < 0 && !isNullable(d, version)) malformed(`null in a ${d.kind} that can't be null`);
    return length;
  }

  function readValue(r: Reader, schema: Schema): unknown {
    if (!(schema instanceof Field)) return readStruct(r, schema);
    const d = schema.definition;
    switch (d.kind) {
      case "string": {
        const length = readLength(r, d);
        return length < 0 ? null : r.text(length);
      }
      case "bytes":
      case "records": {
        const length = readLength(r, d);
        return length < 0 ? null : r.slice(length);
      }
      case "array": {
        const length = readLength(r, d);
        if (length < 0) return null;
        const values = new Array(r.count(length, minimumBytes(d.of!, version, flexible)));
        for (let i = 0; i < length; i++) values[i] = readValue(r, d.of!);
        return values;
      }
      case "struct":
        if (isNullable(d, version)) {
          // Presence is a byte, or a varint if the struct is a tagged field.
          if (d.tag === undefined ? r.i8() < 0 : r.uvarint() === 0) return null;
        }
        return readStruct(r, d.of as Fields);
      default:
        return r[d.kind]();
    }
  }

  function readStruct(r: Reader, fields: Fields): Struct {
    const value = defaultStruct(fields);
    const tagged = new Map<number, string>();
    for (const name in fields) {
      const { definition } = fields[name]!;
      if (!isPresent(definition, version)) continue;
      if (definition.tag !== undefined) tagged.set(definition.tag, name);
      else value[name] = readValue(r, fields[name]!);
    }
    if (!flexible) return value;
    for (let left = r.uvarint(); left > 0; left--) {
      const name = tagged.get(r.uvarint());
      const length = r.uvarint();
      if (name === undefined) r.take(length);
      else value[name] = readValue(r, fields[name]!);
    }
    return value;
  }

  function writeNull(w: Writer, d: Definition): void {
    if (d.kind === "struct" && d.tag === undefined) w.i8(-1);
    else if (flexible) w.uvarint(0);
    else if (d.kind === "string") w.i16(-1);
    else w.i32(-1);
  }

  function writeValue(w: Writer, schema: Schema, value: unknown): void {
    if (!(schema instanceof Field)) writeStruct(w, schema, value as Struct);
    else if (value !== null && value !== undefined) writePresent(w, schema.definition, value);
    else if (value === null && isNullable(schema.definition, version))
      writeNull(w, schema.definition);
    else throw new TypeError(`${value} in a field that needs a value in version ${version}`);
  }

  function writePresent(w: Writer, d: Definition, value: unknown): void {
    switch (d.kind) {
      case "string":
        if (flexible) w.compactString(value as string);
        else w.string(value as string);
        break;
      case "bytes":
        if (flexible) w.compactBytes(value as Uint8Array);
        else w.bytes(value as Uint8Array);
        break;
      case "records":
        if (flexible) w.compactRecords(value as Uint8Array);
        else w.records(value as Uint8Array);
        break;
      case "array":
        if (flexible) w.uvarint((value as unknown[]).length + 1);
        else w.i32((value as unknown[]).length);
        for (const element of value as unknown[]) writeValue(w, d.of!, element);
        break;
      case "struct":
        if (isNullable(d, version)) w.i8(1);
        writeStruct(w, d.of as Fields, value as Struct);
        break;
      default:
        (w[d.kind] as (value: unknown) => void).call(w, value);
    }
  }

  function writeStruct(w: Writer, fields: Fields, struct: Struct): void {
    const tagged: { tag: number; field: AnyField; value: unknown }[] = [];
    for (const name in fields) {
      const field = fields[name]!;
      const d = field.definition;
      if (!isPresent(d, version)) continue;
      const optional = d.fallback !== undefined || d.versions !== undefined;
      const value = struct[name] === undefined && optional ? defaultOf(d) : struct[name];
      if (d.tag === undefined) writeValue(w, field, value);
      else if (!isDefault(d, value)) tagged.push({ tag: d.tag, field, value });
    }
    if (!flexible) return;
    tagged.sort((a, b) => a.tag - b.tag);
    w.uvarint(tagged.length);
    for (const { tag, field, value } of tagged) {
      w.uvarint(tag);
      const mark = w.mark();
      writeValue(w, field, value);
      w.settle(mark);
    }
  }

  return {
    read: (reader) => readStruct(reader, fields),
    write: (writer, value) => writeStruct(writer, fields, value),
  };
}
