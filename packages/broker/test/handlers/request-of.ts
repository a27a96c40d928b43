import { Field, type Fields, type Schema } from "@tarpan/protocol";

/** A request with one element in each array: `text` for strings, `number` for the named numbers. */
export function requestOf(
  schema: Schema,
  text: string,
  number: (name: string) => number = () => 0,
): unknown {
  return filled(schema, "");

  function filled(schema: Schema, name: string): unknown {
    if (!(schema instanceof Field)) {
      const fields = Object.entries(schema);
      return Object.fromEntries(fields.map(([name, field]) => [name, filled(field, name)]));
    }
    const { kind, of } = schema.definition;
    if (kind === "array") return [filled(of!, name)];
    if (kind === "struct") return filled(of as Fields, name);
    if (kind === "string") return text;
    if (kind === "uuid") return "11111111-2222-3333-4444-555555555555";
    if (kind === "bytes" || kind === "records") return new Uint8Array(0);
    return kind === "bool" ? false : kind === "i64" ? 0n : number(name);
  }
}
