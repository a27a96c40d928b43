export * from "./batch-header.ts";
export { type Checksum, crc32c } from "./crc32c.ts";
