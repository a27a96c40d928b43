// Writes docs/protocol.md from the list of handlers; a test checks that it is up to date.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { handlers } from "../packages/broker/src/handlers/index.ts";

const HEAD = `# Protocol

The APIs this broker serves and tells clients of (ApiVersions), made from the list of handlers by
\`npx tsx --conditions=tarpan-source scripts/protocol-docs.ts\`. What a version changed, and what is
not done, stands at the top of each API's file in \`packages/broker/src/handlers\`.

| key | API | versions |
|---:|---|---|
`;

const NOTES = `
Produce is advertised from version 0 because librdkafka needs that; 0 to 2 are refused.

Record batches are of format 2 (Kafka 0.11 and later), uncompressed or gzip, snappy (raw or xerial
framing), lz4 or zstd.

What follows the last field of a request is ignored, and so is what follows the batch of a Produce
request, as in Kafka. A batch is stored as it was sent, with these exceptions: the largest timestamp
is made that of its records, a claim of LogAppendTime or of a delete horizon is taken back, and
records that are not numbered 0, 1, 2 … are numbered so. Kafka numbers only those of batches that it
compresses, and its consumers skip records that seem to repeat an offset. Refused, other than in
Kafka: timestamps, record lengths and producer ids of more than 53 bits, varints of more than 32.
`;

export function protocolDocs(): string {
  const rows = handlers
    .toSorted((a, b) => a.api.key - b.api.key)
    .map(({ api, versions }) => `| ${api.key} | ${api.name} | ${versions} |\n`);
  return HEAD + rows.join("") + NOTES;
}

const path = fileURLToPath(new URL("../docs/protocol.md", import.meta.url));
if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(path, protocolDocs());
