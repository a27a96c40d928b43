import { ErrorCode, Metadata } from "@tarpan/protocol";
import { describe, expect, test } from "vitest";
import { readBrokerOptions } from "../../src/config/broker-options.ts";
import type { InitialAdminSettings } from "../../src/config/settings.ts";
import type { Logger } from "../../src/logging/logger.ts";
import { startBroker } from "../../src/runtime/start-broker.ts";
import { Secret } from "../../src/util/secret.ts";
import { authenticatePlain, authenticateScram } from "../sasl/sasl-client.ts";
import { TestDirectory } from "../tls/certificates.ts";
import { KafkaSocket } from "./kafka-socket.ts";

const ACLS = {
  "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
};

/** A broker whose clients log in, with its data in the directory. */
async function start(
  { path }: TestDirectory,
  initialAdmin: InitialAdminSettings | undefined,
  configs: Record<string, string> = {},
) {
  const log: string[] = [];
  const write = (level: string) => (message: string) => void log.push(`${level} ${message}`);
  const logger = Object.fromEntries(["debug", "info", "warn", "error"].map((l) => [l, write(l)]));
  const { settings } = readBrokerOptions({
    dataDir: `${path}/data`,
    configs: {
      listeners: "SASL_PLAINTEXT://127.0.0.1:0",
      "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
      "connection.failed.authentication.delay.ms": "1",
      ...configs,
    },
  });
  const broker = await startBroker(
    { ...settings, ...(initialAdmin && { initialAdmin }) },
    { logger: logger as unknown as Logger },
  );
  return {
    port: broker.port,
    said: log.filter((line) => line.includes("initial_admin")),
    [Symbol.asyncDispose]: () => broker.stop(),
  };
}

async function logsIn(port: number, name: string, password: string): Promise<boolean> {
  using client = KafkaSocket.plain(port);
  return (await authenticatePlain(client, name, password)).errorCode === ErrorCode.NONE;
}

const admin = (text: string) => ({ name: "admin", password: new Secret(text) });

const UTF_16 = Buffer.from("\ufeffa-secret\n", "utf16le");

describe("the initial admin", () => {
  test.each(["SCRAM-SHA-256", "SCRAM-SHA-512"] as const)("logs in by %s", async (mechanism) => {
    await using directory = await TestDirectory.make();
    const file = await directory.write("password", "a-secret\n");
    await using at = await start(directory, { name: "admin", password: { file } });
    expect(at.said).toEqual(["info initial_admin: the new cluster has the user admin"]);
    using client = KafkaSocket.plain(at.port);
    const { errorCode } = await authenticateScram(client, mechanism, "admin", "a-secret");
    expect(errorCode).toBe(ErrorCode.NONE);
    expect(await logsIn(at.port, "admin", "another")).toBe(false);
  });

  test("may have a password that Windows has written", async () => {
    await using directory = await TestDirectory.make();
    const file = await directory.write("password", "\ufeffa-secret\r\n");
    await using at = await start(directory, { name: "admin", password: { file } });
    expect(await logsIn(at.port, "admin", "a-secret")).toBe(true);
  });

  test("is made at the first start only", async () => {
    await using directory = await TestDirectory.make();
    await (await start(directory, admin("first")))[Symbol.asyncDispose]();
    await using at = await start(directory, admin("second"));
    const kept = "the user admin exists, and keeps its password";
    expect(at.said).toEqual([`info initial_admin: this cluster is not new: ${kept}`]);
    expect(await logsIn(at.port, "admin", "first")).toBe(true);
    expect(await logsIn(at.port, "admin", "second")).toBe(false);
  });

  test("needs its password at the first start, and at no other", async () => {
    await using directory = await TestDirectory.make();
    const missing = { name: "admin", password: { file: `${directory.path}/none` } };
    for (const [asked, why] of [
      [missing, "none does not exist"],
      [{ name: "admin", password: null }, "set initial_admin_password_file, or TARPAN_"],
      [{ name: "admin", password: { file: await directory.write("empty", "\n") } }, "is empty"],
      [{ name: "admin", password: { file: await directory.write("two", "a\nb\n") } }, "one line"],
      [{ name: "admin", password: { file: await directory.write("utf16", UTF_16) } }, "in UTF-8"],
    ] as const) {
      const refused = { code: "TARPAN_CONFIG", message: expect.stringContaining(why) };
      await expect(start(directory, asked)).rejects.toMatchObject(refused);
    }
    // The starts that failed have founded nothing.
    await (await start(directory, admin("a-secret")))[Symbol.asyncDispose]();
    await using at = await start(directory, missing);
    expect(await logsIn(at.port, "admin", "a-secret")).toBe(true);
  });

  test("that came too late is told about", async () => {
    await using directory = await TestDirectory.make();
    await (await start(directory, undefined))[Symbol.asyncDispose]();
    await using at = await start(directory, admin("a-secret"));
    expect(at.said).toEqual([
      expect.stringMatching(/^warn .*has no user admin.*user create admin/),
    ]);
    expect(await logsIn(at.port, "admin", "a-secret")).toBe(false);
  });

  test.each([{}, { "super.users": "User:root" }])("is a super user, %o", async (configs) => {
    await using directory = await TestDirectory.make();
    await using at = await start(directory, admin("a-secret"), { ...ACLS, ...configs });
    using client = KafkaSocket.plain(at.port);
    await authenticatePlain(client, "admin", "a-secret");
    const topics = [{ name: "new", topicId: undefined }];
    const { topics: found } = await client.send(Metadata, 8, {
      topics,
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: true,
    });
    expect(found[0]?.errorCode).not.toBe(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  });
});
