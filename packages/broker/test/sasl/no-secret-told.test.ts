import { createPrivateKey } from "node:crypto";
import { DescribeConfigs, SaslAuthenticate } from "@tarpan/protocol";
import { expect, test } from "vitest";
import { KafkaSocket } from "../runtime/kafka-socket.ts";
import { startOnRealPorts } from "../runtime/on-real-ports.ts";
import { sslConfigs, TestAuthority } from "../tls/certificates.ts";
import { createUser, handshake, plainToken } from "./sasl-client.ts";

const BROKER = 4;
const SECRET = /sesame|PRIVATE KEY/;

test("logs, DescribeConfigs and the pages of HTTP show no password and no key", async () => {
  const own = new TestAuthority().broker();
  const passphrase = "sesame of the key";
  const pem = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase } as const;
  const key = createPrivateKey(own.key).export(pem).toString();
  await using at = await startOnRealPorts({
    ...sslConfigs({ ...own, key }),
    listeners: "OPEN://127.0.0.1:0,USERS://127.0.0.1:0",
    "listener.security.protocol.map": "OPEN:PLAINTEXT,USERS:SASL_SSL",
    "ssl.key.password": passphrase,
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
    "listener.name.users.plain.sasl.jaas.config":
      'org.apache.kafka.common.security.plain.PlainLoginModule required user_ann="sesame of ann";',
    "connection.failed.authentication.delay.ms": "1",
  });
  using open = KafkaSocket.plain(at.port(0));
  await createUser(open, "SCRAM-SHA-256", "bob", "sesame of bob");
  for (const [user, password] of [
    ["ann", "sesame of ann"],
    ["bob", "sesame of bob"],
    ["bob", "sesame of nobody"],
  ] as const) {
    using client = KafkaSocket.tls(at.port(1), { rejectUnauthorized: false });
    await handshake(client, "PLAIN");
    await client.send(SaslAuthenticate, 2, { authBytes: plainToken(user, password) });
  }
  expect(at.log.join("\n")).toContain("wrong user name or password");
  const all = { resourceType: BROKER, resourceName: "1", configurationKeys: null };
  const asked = { resources: [all], includeSynonyms: true, includeDocumentation: true };
  const { results } = await open.send(DescribeConfigs, 4, asked);
  const told = [JSON.stringify(results), at.log.join("\n")];
  // It does have the configs, so that the search below can find something.
  expect(told[0]).toContain("ssl.key.password");
  for (const path of ["/metrics", "/cluster/status", "/ready"]) {
    told.push(await (await fetch(`http://127.0.0.1:${at.port(0)}${path}`)).text());
  }
  for (const text of told) expect(text).not.toMatch(SECRET);
});
