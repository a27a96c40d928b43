import { type AnyApi, ErrorCode, Field, type Fields } from "@tarpan/protocol";

/** Where a struct can have error codes. */
interface Places {
  /** Whether it has one itself. */
  readonly hasOwn: boolean;
  /** Its arrays of structs that can have some. */
  readonly arrays: readonly (readonly [string, Places])[];
}

type Struct = Readonly<Record<string, unknown>>;

/**
 * Finds the first error code in a response of the API. Only what can have one is looked at: a
 * response may list a hundred thousand things that have none.
 */
export function errorCodeFinder({ response }: AnyApi): (body: Struct) => number {
  const places = placesIn(response);
  return places === null ? () => ErrorCode.NONE : (body) => firstIn(body, places);
}

function placesIn(fields: Fields): Places | null {
  const arrays: (readonly [string, Places])[] = [];
  for (const [name, { definition }] of Object.entries(fields)) {
    if (definition.kind !== "array" || definition.of instanceof Field) continue;
    const inner = placesIn(definition.of!);
    if (inner !== null) arrays.push([name, inner]);
  }
  const hasOwn = "errorCode" in fields;
  return hasOwn || arrays.length > 0 ? { hasOwn, arrays } : null;
}

function firstIn(struct: Struct, { hasOwn, arrays }: Places): number {
  const own = hasOwn ? (struct.errorCode as number | undefined) : undefined;
  if (own !== undefined && own !== ErrorCode.NONE) return own;
  for (const [name, inner] of arrays) {
    for (const item of (struct[name] as readonly Struct[] | null | undefined) ?? []) {
      const code = firstIn(item, inner);
      if (code !== ErrorCode.NONE) return code;
    }
  }
  return ErrorCode.NONE;
}
