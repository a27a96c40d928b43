/** What EDN has and JavaScript has not: `:ok`. */
export class Keyword {
  readonly name: string;

  constructor(name: string) {
    if (!/^[a-zA-Z*!_?$%&=<>+-][\w*!?$%&=<>.#+-]*$/.test(name))
      throw new Error(`not the name of a keyword: ${name}`);
    this.name = name;
  }
}

export const keyword = (name: string): Keyword => new Keyword(name);

export type Edn =
  | null
  | boolean
  | number
  | string
  | Keyword
  | readonly Edn[]
  | ReadonlyMap<Edn, Edn>
  | { readonly [name: string]: Edn };

/**
 * Clojure's notation (edn-format). Arrays are vectors, maps are maps, and so are other objects,
 * with keywords for their names. Numbers are integers or doubles as they are in JavaScript.
 */
export function edn(value: Edn): string {
  if (value === null) return "nil";
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return number(value);
  if (typeof value === "string") return string(value);
  if (value instanceof Keyword) return `:${value.name}`;
  if (value instanceof Map)
    return entries([...(value as ReadonlyMap<Edn, Edn>)].map(([k, v]) => [edn(k), edn(v)]));
  if (Array.isArray(value)) return `[${value.map(edn).join(" ")}]`;
  return entries(Object.entries(value).map(([name, each]) => [edn(keyword(name)), edn(each)]));
}

const entries = (pairs: readonly (readonly [string, string])[]) =>
  `{${pairs.map(([key, value]) => `${key} ${value}`).join(", ")}}`;

function number(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return "##NaN";
  return value > 0 ? "##Inf" : "##-Inf";
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

function string(value: string): string {
  const escaped = value.replace(/["\\\p{Cc}]/gu, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, "0");
    return ESCAPES[character] ?? `\\u${code}`;
  });
  return `"${escaped}"`;
}
