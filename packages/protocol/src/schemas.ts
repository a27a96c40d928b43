/** What a message is declared with, and what a declaration is compiled into. */
export { type Codec, codecOf, type RecordCodec, recordCodec } from "./codec.ts";
export { ProtocolError } from "./protocol-error.ts";
export { Reader } from "./reader.ts";
export * from "./schema.ts";
export { includes, rangeOf } from "./versions.ts";
export { Writer } from "./writer.ts";
