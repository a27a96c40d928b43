import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KafkaSocket } from "../../broker/test/runtime/kafka-socket.ts";
import { startOnRealPorts } from "../../broker/test/runtime/on-real-ports.ts";
import { createUser } from "../../broker/test/sasl/sasl-client.ts";
import { TestAuthority, TestDirectory } from "../../broker/test/tls/certificates.ts";
import { tarpan } from "./run-command.ts";

test("commands connect by TLS and log in", async () => {
  const ca = new TestAuthority();
  const { certificate, key } = ca.broker();
  await using directory = await TestDirectory.make();
  await using at = await startOnRealPorts({
    listeners: "USERS://127.0.0.1:0,OPEN://127.0.0.1:0",
    "listener.security.protocol.map": "USERS:SASL_SSL,OPEN:PLAINTEXT",
    "ssl.keystore.type": "PEM",
    "ssl.keystore.certificate.chain": certificate,
    "ssl.keystore.key": key,
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
    "connection.failed.authentication.delay.ms": "1",
  });
  using open = KafkaSocket.plain(at.port(1));
  await createUser(open, "SCRAM-SHA-512", "alice", "a-secret");
  const trust = ["--tls-ca", await directory.write("ca.pem", ca.certificate)];
  const right = await directory.write("right", "a-secret\n");
  const wrong = await directory.write("wrong", "another");
  const list = ["topic", "list", "-b", `127.0.0.1:${at.port(0)}`, "--timeout", "5s"];
  const as = (file: string) => ["--sasl-username", "alice", "--sasl-password-file", file];

  expect((await tarpan([...list, ...trust, ...as(right)])).code).toBe(0);
  const plain = [...list, ...trust, ...as(right), "--sasl-mechanism", "plain"];
  expect((await tarpan(plain)).code).toBe(0);
  const refused = await tarpan([...list, ...trust, ...as(wrong)]);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("wrong user name")]);
  expect(refused.stderr).not.toContain("another");
  const untrusted = await tarpan([...list, ...as(right), "--tls-ca", right]);
  expect(untrusted.code).not.toBe(0);
});

describe("a command that lacks an option, or has one too many, says which", () => {
  const ca = new TestAuthority();
  const { certificate, key } = ca.broker();
  let at: Awaited<ReturnType<typeof startOnRealPorts>>;
  let directory: TestDirectory;

  beforeAll(async () => {
    directory = await TestDirectory.make();
    await directory.write("ca.pem", ca.certificate);
    await directory.write("password", "a-secret");
    const names = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];
    const other = ca.issue("other", { hosts: ["kafka.example"] });
    at = await startOnRealPorts({
      listeners: [...names, "MUTUAL", "OTHER"].map((name) => `${name}://127.0.0.1:0`).join(","),
      "listener.security.protocol.map": [
        ...names.map((name) => `${name}:${name}`),
        ...["MUTUAL:SSL", "OTHER:SSL"],
      ].join(","),
      "ssl.keystore.type": "PEM",
      "ssl.keystore.certificate.chain": certificate,
      "ssl.keystore.key": key,
      "ssl.truststore.type": "PEM",
      "ssl.truststore.certificates": ca.certificate,
      "listener.name.mutual.ssl.client.auth": "required",
      "listener.name.other.ssl.keystore.certificate.chain": other.certificate,
      "listener.name.other.ssl.keystore.key": other.key,
      "sasl.enabled.mechanisms": "SCRAM-SHA-512",
      "connection.failed.authentication.delay.ms": "1",
    });
  });

  afterAll(async () => {
    await at.broker.stop();
    await directory[Symbol.asyncDispose]();
  });

  const TLS = "--tls-ca DIR/ca.pem";
  const SASL = "--sasl-username alice --sasl-password-file DIR/password";

  test.each([
    [0, TLS, "this port speaks no TLS: leave the TLS options out"],
    [0, SASL, "this port has no log-in: leave the SASL options out"],
    [1, "", "this port speaks TLS: add --tls, or --tls-ca FILE"],
    [1, "--tls", "name the authority that signed the broker's certificate: --tls-ca FILE"],
    [1, "--tls-ca DIR/password", "the file of authorities (--tls-ca) must be in PEM"],
    [1, `${TLS} --tls-cert DIR/ca.pem --tls-key DIR/password`, "certificate and key can't be used"],
    [2, "", "this port asks for a log-in (SCRAM-SHA-512): add --sasl-username NAME"],
    [3, "", "this port speaks TLS: add --tls"],
    [3, TLS, "this port asks for a log-in (SCRAM-SHA-512)"],
    [5, TLS, "the broker needs a certificate with this name, or has to advertise a name"],
    [4, TLS, "this port asks for a certificate: add --tls-cert FILE --tls-key FILE"],
  ])("port %i with %j: %s", async (port, flags, message) => {
    const words = flags.replaceAll("DIR", directory.path).split(" ").filter(Boolean);
    const bootstrap = `127.0.0.1:${at.port(port)}`;
    const { code, stderr } = await tarpan(["topic", "list", "-b", bootstrap, ...words]);
    expect(code).toBe(1);
    expect(stderr.split(message)).toHaveLength(2);
  });
});

test.each([
  [["--sasl-username", "a"], "--sasl-password-file is missing"],
  [["--sasl-mechanism", "PLAIN"], "--sasl-username is missing"],
  [["--tls-ca", "/nowhere"], "--tls-ca: /nowhere can't be read"],
])("%j is refused", async (flags, message) => {
  const { code, stderr } = await tarpan(["topic", "list", ...flags]);
  expect(code).not.toBe(0);
  expect(stderr).toContain(message);
});
