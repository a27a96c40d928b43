import { defaultOf, NO_BYTES } from "./layout.ts";
import type { Definition, Fields } from "./schema.ts";

/** The source text of generated code, for compile-read.ts and compile-write.ts. */
export class SourceText {
  readonly #lines: string[] = [];
  #names = 0;
  #depth = 1;

  line(text: string): void {
    this.#lines.push("  ".repeat(this.#depth) + text);
  }

  block(head: string, body: () => void): void {
    this.line(`${head} {`);
    this.#depth += 1;
    body();
    this.#depth -= 1;
    this.line("}");
  }

  /** A new variable name. */
  name(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  toString(): string {
    return this.#lines.join("\n");
  }
}

/** A field's default as source text, which makes a new value each time it runs. */
export function literal(definition: Definition): string {
  const value = defaultOf(definition);
  if (typeof value === "bigint") return `${value}n`;
  if (value === NO_BYTES) return "NO_BYTES";
  if (definition.kind !== "struct" || value === null) return JSON.stringify(value);
  const fields = Object.entries(definition.of as Fields);
  return `{ ${fields.map(([name, field]) => `${name}: ${literal(field.definition)}`).join(", ")} }`;
}

/** Adjacent fields of fixed size: they share one bounds check. */
export class Run {
  readonly fields: { variable: string; definition: Definition; at: number }[] = [];
  bytes = 0;

  add(variable: string, definition: Definition, bytes: number): void {
    this.fields.push({ variable, definition, at: this.bytes });
    this.bytes += bytes;
  }
}
