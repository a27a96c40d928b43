// Writes docs/protocol.md from the list of handlers; a test checks that it is up to date.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { handlers } from "../packages/broker/src/handlers/index.ts";
import { SUPPORTED_FEATURES } from "../packages/broker/src/metadata/features.ts";

const HEAD = `# Protocol

The APIs that this broker serves and lists in ApiVersions. Made from the list of handlers by
\`npx tsx --conditions=tarpan-source scripts/protocol-docs.ts\`. The changes of
each version, and what is not implemented, are at the top of each API's file in
\`packages/broker/src/handlers\`.

| key | API | versions |
|---:|---|---|
`;

const FEATURES = `
## Features

A new cluster has the highest level of each of Kafka's features. \`kafka-features.sh\` (UpdateFeatures) changes
levels for the whole cluster, while clients go on. A request changes all that it names, or nothing,
with the reason in the error. Every registered broker must support the new level.

| feature | levels | |
|---|---|---|
`;

const MEANINGS: Readonly<Record<string, string>> = {
  "metadata.version":
    "tells Kafka's tools how to read the metadata; nothing else depends on it. Not below 23, as in Kafka",
  "group.version":
    "1: `group.protocol=consumer` (KIP-848). At 0 such consumers get UNSUPPORTED_VERSION",
  "transaction.version":
    "2: an epoch for each transaction, and partitions are added without a request (KIP-890)",
  "tarpan.metadata.version":
    "what the metadata may hold; rises by itself, never goes down: [cluster.md](cluster.md#upgrading)",
};

const NOTES = `
## Notes

ApiVersions lists Produce from version 0 because librdkafka needs that; 0 to 2 are refused.

Record batches are of format 2 (Kafka 0.11 and later), uncompressed or gzip, snappy (raw or xerial
framing), lz4 or zstd.

As in Kafka, bytes after the last field of a request are ignored, and so are bytes after the batch
of a Produce request. A batch is stored as it was sent, with these exceptions:

- The largest timestamp in its header is set to that of its records.
- The attributes for LogAppendTime and a delete horizon are cleared: only a broker may set them.
- Offset deltas that are not 0, 1, 2 … are replaced. Kafka does so only in batches that it
  compresses itself, and its consumers skip records that seem to repeat an offset.

Unlike in Kafka, these are refused: timestamps and producer ids beyond 2^53, varints of more than 32
bits, lengths below -1, and transactional batches without a producer id.
`;

export function protocolDocs(): string {
  const rows = handlers
    .toSorted((a, b) => a.api.key - b.api.key)
    .map(({ api, versions }) => `| ${api.key} | ${api.name} | ${versions} |\n`);
  const features = SUPPORTED_FEATURES.map(({ name, minVersion, maxVersion }) => {
    return `| \`${name}\` | ${minVersion}-${maxVersion} | ${MEANINGS[name] ?? ""} |\n`;
  });
  return HEAD + rows.join("") + FEATURES + features.join("") + NOTES;
}

const path = fileURLToPath(new URL("../docs/protocol.md", import.meta.url));
if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(path, protocolDocs());
