import { expect, test } from "vitest";
import { KafkaSocket } from "../../broker/test/runtime/kafka-socket.ts";
import { startOnRealPorts } from "../../broker/test/runtime/on-real-ports.ts";
import { createUser } from "../../broker/test/sasl/sasl-client.ts";
import { sslConfigs, TestAuthority, TestDirectory } from "../../broker/test/tls/certificates.ts";
import { tarpan } from "./run-command.ts";

test("commands that ask by HTTP connect by TLS and log in", async () => {
  const ca = new TestAuthority();
  await using directory = await TestDirectory.make();
  await using at = await startOnRealPorts({
    ...sslConfigs(ca.broker()),
    listeners: "USERS://127.0.0.1:0,CLEAR://127.0.0.1:0,OPEN://127.0.0.1:0",
    "listener.security.protocol.map": "USERS:SASL_SSL,CLEAR:SASL_PLAINTEXT,OPEN:PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
    "connection.failed.authentication.delay.ms": "1",
  });
  using open = KafkaSocket.plain(at.port(2));
  await createUser(open, "SCRAM-SHA-512", "alice", "a-secret");
  const trust = ["--tls-ca", await directory.write("ca.pem", ca.certificate)];
  const password = await directory.write("right", "a-secret\n");
  const wrong = await directory.write("wrong", "another");
  const on = (index: number) => ["-b", `127.0.0.1:${at.port(index)}`, "--timeout", "5s"];
  const as = (file: string) => ["--sasl-username", "alice", "--sasl-password-file", file];

  for (const command of [
    ["cluster", "status"],
    ["delayed", "list"],
    ["half", "list"],
  ]) {
    const { code } = await tarpan([...command, ...on(0), ...trust, ...as(password)]);
    expect([command, code]).toEqual([command, 0]);
  }
  const status = ["cluster", "status"];
  const plain = [...status, ...on(1), ...as(password), "--sasl-mechanism", "PLAIN"];
  expect((await tarpan(plain)).code).toBe(0);
  const failing = async (...flags: readonly string[]) => {
    const { code, stderr } = await tarpan([...status, ...flags]);
    expect(code).toBe(1);
    return stderr;
  };
  expect(await failing(...on(0), ...trust)).toContain("--sasl-username");
  expect(await failing(...on(0), ...trust, ...as(wrong))).toContain("the log-in failed");
  expect(await failing(...on(1), ...as(password))).toContain("sends the password itself");
  expect(await failing(...on(0), ...as(password), "--tls-ca", password)).toContain("can't reach");
});
