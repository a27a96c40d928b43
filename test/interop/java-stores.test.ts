// The files that Kafka's guides make with keytool, for a broker and for clients, with the same
// client.properties for Kafka's own tools and for the command line.
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { startOnRealPorts } from "../../packages/broker/test/runtime/on-real-ports.ts";
import { TestDirectory } from "../../packages/broker/test/tls/certificates.ts";
import { peer } from "../harness/peers.ts";
import { run, succeed } from "../harness/run.ts";

const tools = peer("java-applications");
const keytool = join(dirname(tools.path), "keytool");
const BIN = new URL("../../packages/cli/bin/tarpan.js", import.meta.url).pathname;
const PASSWORD = "test1234";
/** As Java 8 encrypts: RC2 with 40 bits, triple DES, SHA-1. */
const LEGACY = "-J-Dkeystore.pkcs12.legacy";

/** Makes a key with a certificate for `name`, and has `trusting` trust it. */
async function makeStores(
  directory: TestDirectory,
  name: string,
  keystore: readonly string[],
  truststore: readonly string[],
) {
  const at = (file: string) => join(directory.path, file);
  const tool = (words: readonly string[]) =>
    succeed(keytool, ["-noprompt", "-alias", name, "-storepass", PASSWORD, ...words], {
      cwd: directory.path,
    });
  const keys = `${name}.keystore.jks`;
  const trust = `${name}.truststore.jks`;
  const names = ["-dname", `CN=${name}`, "-ext", "SAN=DNS:localhost", "-keyalg", "EC"];
  await tool(["-genkeypair", "-keystore", keys, ...names, ...keystore]);
  await tool(["-exportcert", "-keystore", keys, "-file", `${name}.cer`]);
  await tool(["-importcert", "-keystore", trust, "-file", `${name}.cer`, ...truststore]);
  return { keystore: at(keys), truststore: at(trust) };
}

tools.it(
  "keytool's stores are taken as Kafka takes them, by the broker and by commands",
  async () => {
    await using directory = await TestDirectory.make();
    // Java 17's PKCS#12, Java 8's, and JKS.
    const broker = await makeStores(directory, "broker", [], []);
    const client = await makeStores(directory, "client", [LEGACY], ["-storetype", "JKS"]);
    await using at = await startOnRealPorts({
      listeners: "SSL://localhost:0",
      "ssl.keystore.location": broker.keystore,
      "ssl.keystore.password": PASSWORD,
      "ssl.truststore.location": client.truststore,
      "ssl.truststore.password": PASSWORD,
      "ssl.client.auth": "required",
    });
    const properties = (truststore: string) =>
      [
        "security.protocol=SSL",
        `ssl.truststore.location=${truststore}`,
        `ssl.truststore.password=${PASSWORD}`,
        `ssl.keystore.location=${client.keystore}`,
        `ssl.keystore.password=${PASSWORD}`,
      ].join("\n");
    const right = await directory.write("client.properties", properties(broker.truststore));
    const wrong = await directory.write("wrong.properties", properties(client.truststore));
    const where = `localhost:${at.port(0)}`;
    const kafka = async (file: string, ...words: string[]) => {
      const jvm = ["-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"];
      const main = ["-cp", tools.classPath, "org.apache.kafka.tools.TopicCommand"];
      const options = ["--bootstrap-server", where, "--command-config", file];
      const { stdout, stderr } = await run(tools.path, [...jvm, ...main, ...options, ...words]);
      return stdout + stderr;
    };
    const tarpan = async (file: string) => {
      const words = [BIN, "topic", "list", "-b", where, "--command-config", file];
      const { stdout, stderr } = await run(process.execPath, [...words, "--timeout", "5s"]);
      return stdout + stderr;
    };
    expect(await kafka(right, "--create", "--topic", "orders")).toContain("Created topic orders");
    expect(await tarpan(right)).toContain("orders");
    // Neither trusts the broker now.
    expect(await kafka(wrong, "--list")).toContain("SslAuthenticationException");
    expect(await tarpan(wrong)).toContain("certificate");
    // The broker's own keystore as the truststore: the certificate of its key is trusted.
    const own = await directory.write("own.properties", properties(broker.keystore));
    expect((await kafka(own, "--list")).trim()).toBe("orders");
    expect(await tarpan(own)).toContain("orders");
  },
  120_000,
);
