/** Generates a function that writes one schema at one version, like `write` of interpret.ts. */
import type { StructCodec } from "./interpret.ts";
import { fixedBytes, isNullable, isPresent, NO_BYTES } from "./layout.ts";
import { type AnyField, type Definition, Field, type Fields, type Schema } from "./schema.ts";
import { literal, Run, SourceText } from "./source-text.ts";

export function compileWrite(
  fields: Fields,
  version: number,
  flexible: boolean,
): StructCodec["write"] {
  const source = new WriteGenerator(version, flexible).source(fields);
  return new Function("needsValue", "NO_BYTES", source)(needsValue, NO_BYTES);
}

function needsValue(name: string, value: unknown): never {
  throw new TypeError(`${value} in ${name}, which needs a value in this version`);
}

interface Tagged {
  readonly tag: number;
  readonly variable: string;
  readonly field: AnyField;
  readonly path: string;
}

class WriteGenerator {
  readonly #version: number;
  readonly #flexible: boolean;
  readonly #code = new SourceText();

  constructor(version: number, flexible: boolean) {
    this.#version = version;
    this.#flexible = flexible;
  }

  source(fields: Fields): string {
    this.#writeStruct(fields, "o", "");
    return `return function write(w, o) {\n${this.#code}\n};`;
  }

  #write(schema: Schema, value: string, path: string): void {
    if (!(schema instanceof Field)) {
      this.#writeStruct(schema, value, path);
      return;
    }
    const d = schema.definition;
    if (fixedBytes(schema) > 0) this.#code.line(`w.${d.kind}(${value});`);
    else if (isNullable(d, this.#version)) {
      this.#code.line(`if (${value} === undefined) needsValue("${path}", ${value});`);
      this.#code.line(`if (${value} === null) ${this.#nullCase(d)};`);
      this.#code.block("else", () => {
        if (d.kind === "struct") this.#code.line("w.i8(1);");
        this.#writeSized(d, value, path);
      });
    } else {
      this.#code.line(`if (${value} == null) needsValue("${path}", ${value});`);
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
    if (d.kind === "string")
      this.#code.line(`w.${compact ? "compactString" : "string"}(${value});`);
    else if (d.kind === "bytes")
      this.#code.line(`w.${compact ? "compactBytes" : "bytes"}(${value});`);
    else if (d.kind === "records")
      this.#code.line(`w.${compact ? "compactRecords" : "records"}(${value});`);
    else if (d.kind === "array") this.#writeArray(d, value, path);
    else this.#writeStruct(d.of as Fields, value, path);
  }

  #writeArray(d: Definition, value: string, path: string): void {
    const length = `${value}.length`;
    this.#code.line(this.#flexible ? `w.uvarint(${length} + 1);` : `w.i32(${length});`);
    const i = this.#code.name("i");
    const size = fixedBytes(d.of!);
    if (size > 0) {
      const at = this.#code.name("p");
      const { kind } = (d.of as AnyField).definition;
      this.#code.line(`let ${at} = w.take(${length} * ${size});`);
      const step = `${i}++, ${at} += ${size}`;
      const write = `w.${kind}At(${at}, ${value}[${i}])`;
      this.#code.line(`for (let ${i} = 0; ${i} < ${length}; ${step}) ${write};`);
      return;
    }
    this.#code.block(`for (let ${i} = 0; ${i} < ${length}; ${i}++)`, () => {
      const element = this.#code.name("e");
      this.#code.line(`const ${element} = ${value}[${i}];`);
      this.#write(d.of!, element, path);
    });
  }

  #writeStruct(fields: Fields, struct: string, path: string): void {
    const tagged: Tagged[] = [];
    let run = new Run();
    for (const name in fields) {
      const field = fields[name]!;
      const d = field.definition;
      if (!isPresent(d, this.#version)) continue;
      const variable = this.#valueOf(d, `${struct}.${name}`);
      const fieldPath = path === "" ? name : `${path}.${name}`;
      if (d.tag !== undefined) tagged.push({ tag: d.tag, variable, field, path: fieldPath });
      else if (fixedBytes(field) > 0) run.add(variable, d, fixedBytes(field));
      else {
        this.#writeRun(run);
        run = new Run();
        this.#write(field, variable, fieldPath);
      }
    }
    this.#writeRun(run);
    if (this.#flexible) this.#writeTags(tagged);
  }

  /** Emits a variable with a field's value, or with its default if it is undefined. */
  #valueOf(d: Definition, given: string): string {
    const variable = this.#code.name("x");
    const optional = d.fallback !== undefined || d.versions !== undefined;
    const value = optional ? `${given} === undefined ? ${literal(d)} : ${given}` : given;
    this.#code.line(`const ${variable} = ${value};`);
    return variable;
  }

  #writeRun(run: Run): void {
    if (run.bytes === 0) return;
    const start = this.#code.name("p");
    this.#code.line(`const ${start} = w.take(${run.bytes});`);
    for (const { variable, definition, at } of run.fields)
      this.#code.line(`w.${definition.kind}At(${start} + ${at}, ${variable});`);
  }

  #writeTags(tagged: Tagged[]): void {
    if (tagged.length === 0) {
      this.#code.line("w.uvarint(0);");
      return;
    }
    tagged.sort((a, b) => a.tag - b.tag);
    const sent = tagged.map(({ variable, field }) => {
      const flag = this.#code.name("s");
      this.#code.line(`const ${flag} = !${isDefaultTest(field.definition, variable)};`);
      return flag;
    });
    this.#code.line(`w.uvarint(${sent.map((flag) => `(${flag} ? 1 : 0)`).join(" + ")});`);
    tagged.forEach(({ tag, variable, field, path }, i) => {
      this.#code.block(`if (${sent[i]})`, () => {
        const mark = this.#code.name("m");
        this.#code.line(`w.uvarint(${tag});`);
        this.#code.line(`const ${mark} = w.mark();`);
        this.#write(field, variable, path);
        this.#code.line(`w.settle(${mark});`);
      });
    });
  }
}

/** The test of layout.ts's isDefault, as source text. */
function isDefaultTest(d: Definition, value: string): string {
  if (d.fallback === null) return `(${value} == null)`;
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
