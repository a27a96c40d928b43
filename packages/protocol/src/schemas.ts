/** How messages are declared, and the codecs compiled from the declarations. */
export { type Codec, codecOf, type RecordCodec, recordCodec } from "./codec.ts";
export { ProtocolError } from "./protocol-error.ts";
export { Reader } from "./reader.ts";
export * from "./schema.ts";
export { includes, rangeOf } from "./versions.ts";
export { Writer } from "./writer.ts";
