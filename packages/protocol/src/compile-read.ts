/** Generates a function that reads one schema at one version, like `read` of interpret.ts. */

import type { StructCodec } from "./interpret.ts";
import { fixedBytes, isNullable, isPresent, minimumBytes, NO_BYTES } from "./layout.ts";
import { malformed } from "./protocol-error.ts";
import { type AnyField, type Definition, Field, type Fields, type Schema } from "./schema.ts";
import { literal, Run, SourceText } from "./source-text.ts";
import { decodeUuid } from "./uuid.ts";

export function compileRead(
  fields: Fields,
  version: number,
  flexible: boolean,
): StructCodec["read"] {
  const source = new ReadGenerator(version, flexible).source(fields);
  return new Function("malformed", "decodeUuid", "NO_BYTES", source)(
    malformed,
    decodeUuid,
    NO_BYTES,
  );
}

/** The expression for a value of fixed size, at a position that was checked before. */
function fixedRead(definition: Definition, at: string): string {
  switch (definition.kind) {
    case "bool":
      return `v.getInt8(${at}) !== 0`;
    case "i8":
      return `v.getInt8(${at})`;
    case "i16":
      return `v.getInt16(${at})`;
    case "u16":
      return `v.getUint16(${at})`;
    case "i32":
      return `v.getInt32(${at})`;
    case "u32":
      return `v.getUint32(${at})`;
    case "i64":
      return `v.getBigInt64(${at})`;
    case "f64":
      return `v.getFloat64(${at})`;
    case "uuid":
      return `decodeUuid(v, ${at})`;
    default:
      return `r.offsetAt(${at})`;
  }
}

interface Tagged {
  readonly tag: number;
  readonly variable: string;
  readonly field: AnyField;
}

class ReadGenerator {
  readonly #version: number;
  readonly #flexible: boolean;
  readonly #code = new SourceText();

  constructor(version: number, flexible: boolean) {
    this.#version = version;
    this.#flexible = flexible;
  }

  source(fields: Fields): string {
    const value = this.#readStruct(fields);
    return `return function read(r) {\n  const v = r.view;\n${this.#code}\n  return ${value};\n};`;
  }

  /**
   * Emits statements, and returns the expression of the value: to be used once, right after them.
   */
  #read(schema: Schema): string {
    if (!(schema instanceof Field)) return this.#readStruct(schema);
    const d = schema.definition;
    switch (d.kind) {
      case "string":
        return this.#readSized(d, (length) => `r.text(${length})`);
      case "bytes":
      case "records":
        return this.#readSized(d, (length) => `r.slice(${length})`);
      case "array":
        return this.#readArray(d);
      case "struct":
        return isNullable(d, this.#version)
          ? this.#readNullableStruct(d)
          : this.#readStruct(d.of as Fields);
      default:
        return fixedRead(d, `r.take(${fixedBytes(schema)})`);
    }
  }

  #readLength(d: Definition): string {
    const length = this.#code.name("n");
    const read = this.#flexible ? "r.uvarint() - 1" : d.kind === "string" ? "r.i16()" : "r.i32()";
    this.#code.line(`const ${length} = ${read};`);
    if (!isNullable(d, this.#version))
      this.#code.line(`if (${length} < 0) malformed("null in a ${d.kind} that can't be null");`);
    return length;
  }

  #readSized(d: Definition, read: (length: string) => string): string {
    const length = this.#readLength(d);
    const value = this.#code.name("x");
    const nullCase = isNullable(d, this.#version) ? `${length} < 0 ? null : ` : "";
    this.#code.line(`const ${value} = ${nullCase}${read(length)};`);
    return value;
  }

  #readArray(d: Definition): string {
    const length = this.#readLength(d);
    const values = this.#code.name("a");
    const minimum = minimumBytes(d.of!, this.#version, this.#flexible);
    this.#code.line(`let ${values} = null;`);
    this.#code.block(isNullable(d, this.#version) ? `if (${length} >= 0)` : "", () => {
      this.#code.line(`${values} = new Array(r.count(${length}, ${minimum}));`);
      const i = this.#code.name("i");
      const size = fixedBytes(d.of!);
      if (size > 0) {
        const at = this.#code.name("p");
        this.#code.line(`let ${at} = r.take(${length} * ${size});`);
        const read = fixedRead((d.of as AnyField).definition, at);
        const step = `${i}++, ${at} += ${size}`;
        this.#code.line(`for (let ${i} = 0; ${i} < ${length}; ${step}) ${values}[${i}] = ${read};`);
        return;
      }
      this.#code.block(`for (let ${i} = 0; ${i} < ${length}; ${i}++)`, () => {
        this.#code.line(`${values}[${i}] = ${this.#read(d.of!)};`);
      });
    });
    return values;
  }

  #readNullableStruct(d: Definition): string {
    const value = this.#code.name("x");
    this.#code.line(`let ${value} = null;`);
    this.#code.block(`if (${d.tag === undefined ? "r.i8() >= 0" : "r.uvarint() !== 0"})`, () => {
      this.#code.line(`${value} = ${this.#readStruct(d.of as Fields)};`);
    });
    return value;
  }

  #readStruct(fields: Fields): string {
    const parts: string[] = [];
    const tagged: Tagged[] = [];
    let run = new Run();
    for (const name in fields) {
      const field = fields[name]!;
      const { definition } = field;
      let value: string;
      if (!isPresent(definition, this.#version)) {
        value = literal(definition);
      } else if (definition.tag !== undefined) {
        value = this.#code.name("t");
        tagged.push({ tag: definition.tag, variable: value, field });
      } else if (fixedBytes(field) > 0) {
        value = this.#code.name("x");
        run.add(value, definition, fixedBytes(field));
      } else {
        this.#readRun(run);
        run = new Run();
        value = this.#read(field);
      }
      parts.push(`${name}: ${value}`);
    }
    this.#readRun(run);
    if (this.#flexible) this.#readTags(tagged);
    const struct = this.#code.name("o");
    this.#code.line(`const ${struct} = { ${parts.join(", ")} };`);
    return struct;
  }

  #readRun(run: Run): void {
    if (run.bytes === 0) return;
    const start = this.#code.name("p");
    this.#code.line(`const ${start} = r.take(${run.bytes});`);
    for (const { variable, definition, at } of run.fields)
      this.#code.line(`const ${variable} = ${fixedRead(definition, `${start} + ${at}`)};`);
  }

  #readTags(tagged: readonly Tagged[]): void {
    if (tagged.length === 0) {
      this.#code.line("r.skipTags();");
      return;
    }
    for (const { variable, field } of tagged)
      this.#code.line(`let ${variable} = ${literal(field.definition)};`);
    const left = this.#code.name("n");
    this.#code.block(`for (let ${left} = r.uvarint(); ${left} > 0; ${left}--)`, () => {
      const [tag, length] = [this.#code.name("g"), this.#code.name("n")];
      this.#code.line(`const ${tag} = r.uvarint(), ${length} = r.uvarint();`);
      for (const known of tagged) {
        this.#code.block(`if (${tag} === ${known.tag})`, () => {
          this.#code.line(`${known.variable} = ${this.#read(known.field)};`);
          this.#code.line("continue;");
        });
      }
      this.#code.line(`r.take(${length});`);
    });
  }
}
