/**
 * Schemas: the protocol as data, from which the TypeScript types are derived. This file encodes
 * nothing: interpret.ts defines what a schema means on the wire, and compile.ts makes it fast.
 */

/** Kafka's notation for a set of versions: `3+`, `1-4`, `2`, or `none`. */
export type Range = `${number}+` | `${number}-${number}` | `${number}` | "none";

/** The first tag of Tarpan's own fields. Kafka's tags count from 0 in each struct. */
export const OWN_TAGS = 10_000;

export type Kind =
  | "bool"
  | "i8"
  | "i16"
  | "u16"
  | "i32"
  | "u32"
  | "i64"
  | "offset"
  | "f64"
  | "uuid"
  | "string"
  | "bytes"
  | "records"
  | "array"
  | "struct";

export interface Definition {
  readonly kind: Kind;
  /** Versions that have the field; absent means all. */
  readonly versions?: Range;
  /** Versions in which null is allowed; absent means none. */
  readonly nullable?: Range;
  /**
   * The tag, if it is a tagged field (KIP-482). It is sent only if its value is not the default.
   */
  readonly tag?: number;
  /** Value of a field that was not sent; absent means the zero of its kind. */
  readonly fallback?: unknown;
  /** The element of an array, or the fields of a struct. */
  readonly of?: Schema;
}

declare const OUT: unique symbol;
declare const IN: unique symbol;
declare const OPTIONAL: unique symbol;

/**
 * `Out` is what decoding returns, `In` what encoding accepts, and `Optional` whether the field may
 * be left out when encoding.
 */
export class Field<Out, In = Out, Optional extends boolean = false> {
  declare readonly [OUT]: Out;
  declare readonly [IN]: In;
  declare readonly [OPTIONAL]: Optional;
  readonly definition: Definition;

  constructor(definition: Definition) {
    this.definition = definition;
  }

  /**
   * The versions that have the field. In others it reads as its default and is not written.
   */
  in(versions: Range): Field<Out, In, true> {
    return new Field({ ...this.definition, versions });
  }

  nullable(versions: Range = "0+"): Field<Out | null, In | null, Optional> {
    return new Field({ ...this.definition, nullable: versions });
  }

  default<D extends Out>(fallback: D): Field<Out, In, true> {
    return new Field({ ...this.definition, fallback });
  }

  tag(tag: number, versions: Range): Field<Out, In, true> {
    return new Field({ ...this.definition, tag, versions });
  }
}

// biome-ignore lint/suspicious/noExplicitAny: types vary both ways, so only any takes all fields
export type AnyField = Field<any, any, boolean>;
export type Fields = { readonly [name: string]: AnyField };
export type Schema = AnyField | Fields;

type Flat<T> = { [K in keyof T]: T[K] } & {};
type OptionalKeys<F extends Fields> = {
  // biome-ignore lint/suspicious/noExplicitAny: see AnyField
  [K in keyof F]: F[K] extends Field<any, any, true> ? K : never;
}[keyof F];
type Decoded<F extends AnyField> = F extends Field<infer O, infer _I, boolean> ? O : never;
type Encodable<F extends AnyField> = F extends Field<infer _O, infer I, boolean> ? I : never;

/** Decoded shape: every field is present, whatever the version. */
export type Output<F extends Fields> = Flat<{ -readonly [K in keyof F]: Decoded<F[K]> }>;

/**
 * Encodable shape: a field may be left out if it is tagged, has a default, or if some version lacks
 * it.
 */
export type Input<F extends Fields> = Flat<
  { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: Encodable<F[K]> } & {
    readonly [K in OptionalKeys<F>]?: Encodable<F[K]> | undefined;
  }
>;

type OutputOf<S extends Schema> = S extends AnyField
  ? Decoded<S>
  : S extends Fields
    ? Output<S>
    : never;
type InputOf<S extends Schema> = S extends AnyField
  ? Encodable<S>
  : S extends Fields
    ? Input<S>
    : never;

export const bool = new Field<boolean>({ kind: "bool" });
export const i8 = new Field<number>({ kind: "i8" });
export const i16 = new Field<number>({ kind: "i16" });
export const u16 = new Field<number>({ kind: "u16" });
export const i32 = new Field<number>({ kind: "i32" });
export const u32 = new Field<number>({ kind: "u32" });
/**
 * An int64 as a bigint, for fields that use the whole range. `offset` is seven times faster.
 */
export const i64 = new Field<bigint>({ kind: "i64" });
/**
 * An int64 as a number: offsets, timestamps, ids. A value beyond the safe integers is read as the
 * largest (or smallest) safe integer.
 */
export const offset = new Field<number>({ kind: "offset" });
export const f64 = new Field<number>({ kind: "f64" });
/** Lower-case hexadecimal with dashes. */
export const uuid = new Field<string>({ kind: "uuid" });
export const string = new Field<string>({ kind: "string" });
/** Decodes to a view of the frame, not a copy. */
export const bytes = new Field<Uint8Array>({ kind: "bytes" });

/** Record batches to encode: one buffer, or several that make one field, in order. */
export type RecordsInput = Uint8Array | readonly Uint8Array[] | null;
/** Record batches as opaque bytes. Decodes to a view of the frame, not a copy. */
export const records = new Field<Uint8Array | null, RecordsInput, true>({
  kind: "records",
  nullable: "0+",
  fallback: null,
});

export function array<const S extends Schema>(of: S): Field<OutputOf<S>[], readonly InputOf<S>[]> {
  return new Field({ kind: "array", of });
}

export function struct<const F extends Fields>(of: F): Field<Output<F>, Input<F>> {
  return new Field({ kind: "struct", of });
}

export const ZERO_UUID = "00000000-0000-0000-0000-000000000000";

/** A request and its response. */
export interface Api<Q extends Fields = Fields, S extends Fields = Fields> {
  readonly key: number;
  /** Kafka's name, as in `OffsetForLeaderEpoch`. */
  readonly name: string;
  /** Versions the schema describes. */
  readonly versions: Range;
  /** Versions with compact lengths and tagged fields (KIP-482). */
  readonly flexible: Range;
  readonly request: Q;
  readonly response: S;
}

export function api<const Q extends Fields, const S extends Fields>(api: Api<Q, S>): Api<Q, S> {
  return api;
}

/** A record of a log: of an internal topic, or of the cluster's metadata. */
export interface RecordSchema<F extends Fields = Fields, N extends string = string> {
  readonly key: number;
  readonly name: N;
  readonly versions: Range;
  readonly flexible: Range;
  readonly fields: F;
}

export function record<const F extends Fields, const N extends string>(
  record: RecordSchema<F, N>,
): RecordSchema<F, N> {
  return record;
}

// biome-ignore lint/suspicious/noExplicitAny: see AnyField
export type AnyApi = Api<any, any>;
// biome-ignore lint/suspicious/noExplicitAny: see AnyField
export type AnyRecord = RecordSchema<any, string>;

/** A decoded request. */
export type RequestOf<A extends AnyApi> = Output<A["request"]>;
/** A decoded response. */
export type ResponseOf<A extends AnyApi> = Output<A["response"]>;
/** A request to encode. */
export type RequestInput<A extends AnyApi> = Input<A["request"]>;
/** A response to encode. */
export type ResponseInput<A extends AnyApi> = Input<A["response"]>;
