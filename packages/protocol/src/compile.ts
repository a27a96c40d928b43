/**
 * Code for one schema at one version, in the order and meaning of interpret.ts.
 *
 * What makes it fast: no decision about versions is left to run time; neighbouring fields of fixed size share one
 * bounds check; every struct is one object literal, so all values of a schema share a hidden class.
 */
import type { StructCodec } from "./interpret.ts";
import { defaultOf, fixedBytes, isNullable, isPresent, minimumBytes, NO_BYTES } from "./layout.ts";
import { malformed } from "./protocol-error.ts";
import { type AnyField, type Definition, Field, type Fields, type Schema } from "./schema.ts";
import { decodeUuid } from "./uuid.ts";

/** Whether this process may generate code (`--disallow-code-generation-from-strings` forbids it). */
export const canCompile = ((): boolean => {
  try {
    return new Function("return true")() === true;
  } catch {
    return false;
  }
})();

export function compileRead(
  fields: Fields,
  version: number,
  flexible: boolean,
): StructCodec["read"] {
  const source = new Generator(version, flexible).readFunction(fields);
  return new Function("malformed", "decodeUuid", "NO_BYTES", source)(
    malformed,
    decodeUuid,
    NO_BYTES,
  );
}

export function compileWrite(
  fields: Fields,
  version: number,
  flexible: boolean,
): StructCodec["write"] {
  const source = new Generator(version, flexible).writeFunction(fields);
  return new Function("needsValue", "NO_BYTES", source)(needsValue, NO_BYTES);
}

function needsValue(name: string, value: unknown): never {
  throw new TypeError(`${value} in ${name}, which needs a value in this version`);
}

/** A default as source text. */
function literal(definition: Definition): string {
  const value = defaultOf(definition);
  if (typeof value === "bigint") return `${value}n`;
  if (value === NO_BYTES) return "NO_BYTES";
  if (definition.kind !== "struct" || value === null) return JSON.stringify(value);
  const fields = Object.entries(definition.of as Fields);
  return `{ ${fields.map(([name, field]) => `${name}: ${literal(field.definition)}`).join(", ")} }`;
}

/** Reads a value of fixed size at a checked position. */
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
      return `decodeUuid(r.bytes, ${at})`;
    default:
      return `r.offsetAt(${at})`;
  }
}

class Generator {
  readonly #version: number;
  readonly #flexible: boolean;
  readonly #lines: string[] = [];
  #names = 0;
  #depth = 1;

  constructor(version: number, flexible: boolean) {
    this.#version = version;
    this.#flexible = flexible;
  }

  readFunction(fields: Fields): string {
    const value = this.#readStruct(fields);
    return `return function read(r) {\n  const v = r.view;\n${this.#lines.join("\n")}\n  return ${value};\n};`;
  }

  writeFunction(fields: Fields): string {
    this.#writeStruct(fields, "o", "");
    return `return function write(w, o) {\n${this.#lines.join("\n")}\n};`;
  }

  #line(text: string): void {
    this.#lines.push("  ".repeat(this.#depth) + text);
  }

  #block(head: string, body: () => void): void {
    this.#line(`${head} {`);
    this.#depth += 1;
    body();
    this.#depth -= 1;
    this.#line("}");
  }

  #name(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  /** Emits what must run before, returns an expression that is used exactly once, right after. */
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
    const length = this.#name("n");
    const read = this.#flexible ? "r.uvarint() - 1" : d.kind === "string" ? "r.i16()" : "r.i32()";
    this.#line(`const ${length} = ${read};`);
    if (!isNullable(d, this.#version))
      this.#line(`if (${length} < 0) malformed("null in a ${d.kind} that can't be null");`);
    return length;
  }

  #readSized(d: Definition, read: (length: string) => string): string {
    const length = this.#readLength(d);
    const value = this.#name("x");
    const nullCase = isNullable(d, this.#version) ? `${length} < 0 ? null : ` : "";
    this.#line(`const ${value} = ${nullCase}${read(length)};`);
    return value;
  }

  #readArray(d: Definition): string {
    const length = this.#readLength(d);
    const values = this.#name("a");
    const minimum = minimumBytes(d.of!, this.#version, this.#flexible);
    this.#line(`let ${values} = null;`);
    this.#block(isNullable(d, this.#version) ? `if (${length} >= 0)` : "", () => {
      this.#line(`${values} = new Array(r.count(${length}, ${minimum}));`);
      const i = this.#name("i");
      const size = fixedBytes(d.of!);
      if (size > 0) {
        const at = this.#name("p");
        this.#line(`let ${at} = r.take(${length} * ${size});`);
        const read = fixedRead((d.of as AnyField).definition, at);
        const step = `${i}++, ${at} += ${size}`;
        this.#line(`for (let ${i} = 0; ${i} < ${length}; ${step}) ${values}[${i}] = ${read};`);
        return;
      }
      this.#block(`for (let ${i} = 0; ${i} < ${length}; ${i}++)`, () => {
        this.#line(`${values}[${i}] = ${this.#read(d.of!)};`);
      });
    });
    return values;
  }

  #readNullableStruct(d: Definition): string {
    const value = this.#name("x");
    this.#line(`let ${value} = null;`);
    this.#block(`if (${d.tag === undefined ? "r.i8() >= 0" : "r.uvarint() !== 0"})`, () => {
      this.#line(`${value} = ${this.#readStruct(d.of as Fields)};`);
    });
    return value;
  }

  #readStruct(fields: Fields): string {
    const parts: string[] = [];
    const tagged: { tag: number; variable: string; field: AnyField; name: string }[] = [];
    let run: { variable: string; definition: Definition; at: number }[] = [];
    let runBytes = 0;
    const endRun = (): void => {
      if (run.length === 0) return;
      const start = this.#name("p");
      this.#line(`const ${start} = r.take(${runBytes});`);
      for (const { variable, definition, at } of run)
        this.#line(
          `const ${variable} = ${fixedRead(definition, at === 0 ? start : `${start} + ${at}`)};`,
        );
      run = [];
      runBytes = 0;
    };
    for (const name in fields) {
      const field = fields[name]!;
      const definition = field.definition;
      if (!isPresent(definition, this.#version)) {
        parts.push(`${name}: ${literal(definition)}`);
        continue;
      }
      if (definition.tag !== undefined) {
        const variable = this.#name("t");
        tagged.push({ tag: definition.tag, variable, field, name });
        parts.push(`${name}: ${variable}`);
        continue;
      }
      const size = fixedBytes(field);
      if (size > 0) {
        const variable = this.#name("x");
        run.push({ variable, definition, at: runBytes });
        runBytes += size;
        parts.push(`${name}: ${variable}`);
        continue;
      }
      endRun();
      parts.push(`${name}: ${this.#read(field)}`);
    }
    endRun();
    if (this.#flexible) this.#readTags(tagged);
    const value = this.#name("o");
    this.#line(`const ${value} = { ${parts.join(", ")} };`);
    return value;
  }

  #readTags(tagged: { tag: number; variable: string; field: AnyField; name: string }[]): void {
    if (tagged.length === 0) {
      this.#line("r.skipTags();");
      return;
    }
    for (const { variable, field } of tagged)
      this.#line(`let ${variable} = ${literal(field.definition)};`);
    const left = this.#name("n");
    this.#block(`for (let ${left} = r.uvarint(); ${left} > 0; ${left}--)`, () => {
      const [tag, length, start] = [this.#name("g"), this.#name("n"), this.#name("p")];
      this.#line(
        `const ${tag} = r.uvarint(), ${length} = r.uvarint(), ${start} = r.take(${length});`,
      );
      for (const known of tagged) {
        this.#block(`if (${tag} === ${known.tag})`, () => {
          this.#line(`r.pos = ${start};`);
          this.#line(`${known.variable} = ${this.#read(known.field)};`);
          const wrong = `malformed("tagged field ${known.name} is not as long as it says")`;
          this.#line(`if (r.pos !== ${start} + ${length}) ${wrong};`);
        });
      }
    });
  }

  #write(schema: Schema, value: string, path: string): void {
    if (!(schema instanceof Field)) {
      this.#writeStruct(schema, value, path);
      return;
    }
    const d = schema.definition;
    if (fixedBytes(schema) > 0) this.#line(`w.${d.kind}(${value});`);
    else if (isNullable(d, this.#version)) {
      this.#line(`if (${value} === undefined) needsValue("${path}", ${value});`);
      this.#line(`if (${value} === null) ${this.#nullCase(d)};`);
      this.#block("else", () => {
        if (d.kind === "struct") this.#line("w.i8(1);");
        this.#writeSized(d, value, path);
      });
    } else {
      this.#line(`if (${value} == null) needsValue("${path}", ${value});`);
      this.#writeSized(d, value, path);
    }
  }

  #nullCase(d: Definition): string {
    if (d.kind === "struct" && d.tag === undefined) return "w.i8(-1)";
    if (this.#flexible) return "w.uvarint(0)";
    return d.kind === "string" ? "w.i16(-1)" : "w.i32(-1)";
  }

  #writeSized(d: Definition, value: string, path: string): void {
    const compact = this.#flexible;
    if (d.kind === "string") this.#line(`w.${compact ? "compactString" : "string"}(${value});`);
    else if (d.kind === "bytes") this.#line(`w.${compact ? "compactBytes" : "bytes"}(${value});`);
    else if (d.kind === "records")
      this.#line(`w.${compact ? "compactRecords" : "records"}(${value});`);
    else if (d.kind === "array") this.#writeArray(d, value, path);
    else this.#writeStruct(d.of as Fields, value, path);
  }

  #writeArray(d: Definition, value: string, path: string): void {
    this.#line(this.#flexible ? `w.uvarint(${value}.length + 1);` : `w.i32(${value}.length);`);
    const [i, element] = [this.#name("i"), this.#name("e")];
    this.#block(`for (let ${i} = 0; ${i} < ${value}.length; ${i}++)`, () => {
      this.#line(`const ${element} = ${value}[${i}];`);
      this.#write(d.of!, element, path);
    });
  }

  #writeStruct(fields: Fields, struct: string, path: string): void {
    const tagged: { tag: number; variable: string; field: AnyField; path: string }[] = [];
    for (const name in fields) {
      const field = fields[name]!;
      const d = field.definition;
      if (!isPresent(d, this.#version)) continue;
      const variable = this.#name("x");
      const fieldPath = path === "" ? name : `${path}.${name}`;
      const optional = d.fallback !== undefined || d.versions !== undefined;
      const given = `${struct}.${name}`;
      this.#line(
        optional
          ? `const ${variable} = ${given} === undefined ? ${literal(d)} : ${given};`
          : `const ${variable} = ${given};`,
      );
      if (d.tag === undefined) this.#write(field, variable, fieldPath);
      else tagged.push({ tag: d.tag, variable, field, path: fieldPath });
    }
    if (!this.#flexible) return;
    if (tagged.length === 0) {
      this.#line("w.uvarint(0);");
      return;
    }
    tagged.sort((a, b) => a.tag - b.tag);
    const sent = tagged.map(({ variable, field }) => {
      const flag = this.#name("s");
      this.#line(`const ${flag} = !(${isDefaultTest(field.definition, variable)});`);
      return flag;
    });
    this.#line(`w.uvarint(${sent.map((flag) => `(${flag} ? 1 : 0)`).join(" + ")});`);
    tagged.forEach(({ tag, variable, field, path }, i) => {
      this.#block(`if (${sent[i]})`, () => {
        const mark = this.#name("m");
        this.#line(`w.uvarint(${tag});`);
        this.#line(`const ${mark} = w.mark();`);
        this.#write(field, variable, path);
        this.#line(`w.settle(${mark});`);
      });
    });
  }
}

/** The test of layout.ts's isDefault, as source text. */
function isDefaultTest(d: Definition, value: string): string {
  if (d.fallback === null) return `${value} == null`;
  const nullable = d.nullable !== undefined;
  const test = ((): string => {
    switch (d.kind) {
      case "array":
        return `${value}.length === 0`;
      case "bytes":
        return `${value}.byteLength === 0`;
      case "struct": {
        const parts = Object.entries(d.of as Fields).map(([name, field]) =>
          isDefaultTest(field.definition, `${value}.${name}`),
        );
        return parts.join(" && ");
      }
      default:
        return `${value} === ${literal(d)}`;
    }
  })();
  return `(${value} === undefined || (${nullable ? `${value} !== null && ` : ""}${test}))`;
}
