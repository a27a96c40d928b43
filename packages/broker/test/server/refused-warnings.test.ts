import { once } from "node:events";
import { connect } from "node:net";
import { encodeRequest, Metadata } from "@tarpan/protocol";
import { expect, test } from "vitest";
import type { LogFields } from "../../src/logging/logger.ts";
import { Broker } from "../../src/runtime/embedded.ts";

const header = { correlationId: 1, clientId: "billing" };
const metadata = Buffer.concat(encodeRequest(Metadata, 1, header, { topics: [] }));

function withVersion(version: number): Buffer {
  const bytes = Buffer.from(metadata);
  bytes.writeInt16BE(version, 6);
  return bytes;
}

function withKey(key: number): Buffer {
  const bytes = Buffer.from(metadata);
  bytes.writeInt16BE(key, 4);
  return bytes;
}

function cutShort(): Buffer {
  const bytes = Buffer.from(metadata.subarray(0, -1));
  bytes.writeInt32BE(bytes.length - 4);
  return bytes;
}

test("the warning says whose connection was closed, and why", async () => {
  const warnings: { message: string; fields: LogFields | undefined }[] = [];
  const warn = (message: string, fields?: LogFields) => void warnings.push({ message, fields });
  const logger = { debug() {}, info() {}, error() {}, warn };
  const broker = await Broker.start({ logger });
  try {
    const tls = Buffer.from("160301020001000001fc0303", "hex");
    for (const bytes of [withKey(7777), withVersion(99), cutShort(), tls, Buffer.alloc(8, 0x7f)]) {
      const socket = connect(broker.port, "127.0.0.1");
      socket.resume().on("error", () => {});
      socket.write(bytes);
      await once(socket, "close");
    }
    const from = "closed a connection of 127.0.0.1";
    const client = `${from} (client id billing)`;
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining(`${client}: API key 7777 version 1 is not served`),
      expect.stringContaining(`${client}: Metadata (3) version 99 is not served, only 0-13 are`),
      expect.stringContaining(`${client}: Metadata (3) version 1 does not parse`),
      expect.stringContaining(`${from}: it speaks TLS, and this listener is PLAINTEXT`),
      expect.stringContaining(`${from}: a frame of 2139062143 bytes`),
    ]);
    expect(warnings[1]!.fields).toEqual({
      reason: "unsupported-version",
      remoteAddress: "127.0.0.1",
      api: "Metadata (3)",
      apiVersion: 99,
      clientId: "billing",
    });
    const metrics = await (await fetch(`http://${broker.bootstrap}/metrics`)).text();
    for (const reason of ["unknown-api", "unsupported-version", "unparsable", "tls"]) {
      expect(metrics).toContain(`tarpan_connections_failed_total{reason="${reason}"} 1\n`);
    }
  } finally {
    await broker.stop();
  }
});
