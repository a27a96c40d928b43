import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  ApiVersions,
  apiOf,
  apis,
  codecOf,
  decodeRequest,
  includes,
  Reader,
  readRequestHeader,
  Writer,
  writeRequestHeader,
} from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { readGolden } from "./harness/capture-proxy.ts";

/**
 * Requests of real clients, kept by scripts/capture-golden.mjs. Each must be read to its last byte,
 * and written again as the same bytes: the client and the schemas agree about every field.
 */
const directory = fileURLToPath(new URL("golden/", import.meta.url));
const files = readdirSync(directory).filter((name) => name.endsWith(".txt"));

it("has requests of every client", () => {
  expect(files.map((name) => basename(name, ".txt")).sort()).toEqual([
    "confluent-kafka-python",
    "franz-go",
    "java",
    "kafka-python",
    "kafkajs",
    "kcat",
    "platformatic",
  ]);
});

/** franz-go asks in the newest version it knows and falls back: a header must do for an answer. */
function isNewerApiVersions(frame: Buffer): void {
  const header = readRequestHeader(new Reader(frame), apiOf);
  expect(header).toMatchObject({ apiKey: ApiVersions.key, clientId: "kgo" });
}

for (const file of files) {
  describe(basename(file, ".txt"), () => {
    for (const [name, hex] of readGolden(join(directory, file))) {
      it(name, () => {
        const frame = Buffer.from(hex, "hex");
        const [apiName, version] = name.split(" ");
        const api = apis.find((each) => each.name === apiName)!;
        if (!includes(api.versions, Number(version))) return isNewerApiVersions(frame);
        const { header, body } = decodeRequest(api, frame);
        const writer = new Writer();
        const { apiVersion, correlationId, clientId } = header;
        writeRequestHeader(writer, api, apiVersion, correlationId, clientId);
        codecOf(api, apiVersion).writeRequest(writer, body);
        const written = Buffer.concat(writer.finish());
        expect(written.toString("hex")).toBe(hex);
      });
    }
  });
}
