import { AlterUserScramCredentials, ErrorCode, Metadata } from "@tarpan/protocol";
import { expect, test } from "vitest";
import { KafkaSocket } from "../runtime/kafka-socket.ts";
import { startOnRealPorts } from "../runtime/on-real-ports.ts";
import { authenticateScram, createUser, MECHANISM } from "./sasl-client.ts";

const ALL_TOPICS = { topics: null, allowAutoTopicCreation: false };

function start() {
  return startOnRealPorts({
    listeners: "USERS://127.0.0.1:0,OPEN://127.0.0.1:0",
    "listener.security.protocol.map": "USERS:SASL_PLAINTEXT,OPEN:PLAINTEXT",
    "sasl.enabled.mechanisms": "SCRAM-SHA-256",
    "connection.failed.authentication.delay.ms": "1",
  });
}

test("a deleted user keeps the connections that are open, and gets no others", async () => {
  await using at = await start();
  using open = KafkaSocket.plain(at.port(1));
  await createUser(open, "SCRAM-SHA-256", "bob", "b-secret");
  const logIn = (client: KafkaSocket) =>
    authenticateScram(client, "SCRAM-SHA-256", "bob", "b-secret");
  using before = KafkaSocket.plain(at.port(0));
  expect(await logIn(before)).toMatchObject({ errorCode: ErrorCode.NONE });
  const deletions = [{ name: "bob", mechanism: MECHANISM["SCRAM-SHA-256"] }];
  const { results } = await open.send(AlterUserScramCredentials, 0, { deletions, upsertions: [] });
  expect(results).toMatchObject([{ user: "bob", errorCode: ErrorCode.NONE }]);
  using after = KafkaSocket.plain(at.port(0));
  expect(await logIn(after)).toMatchObject({ errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED });
  expect((await before.send(Metadata, 12, ALL_TOPICS)).errorCode).toBe(ErrorCode.NONE);
});

test("a new password counts for the next log-in, and leaves connections open", async () => {
  await using at = await start();
  using open = KafkaSocket.plain(at.port(1));
  const logIn = async (client: KafkaSocket, password: string) =>
    (await authenticateScram(client, "SCRAM-SHA-256", "bob", password)).errorCode;
  await createUser(open, "SCRAM-SHA-256", "bob", "b-secret");
  using before = KafkaSocket.plain(at.port(0));
  expect(await logIn(before, "b-secret")).toBe(ErrorCode.NONE);
  await createUser(open, "SCRAM-SHA-256", "bob", "b-another");
  using old = KafkaSocket.plain(at.port(0));
  expect(await logIn(old, "b-secret")).toBe(ErrorCode.SASL_AUTHENTICATION_FAILED);
  using after = KafkaSocket.plain(at.port(0));
  expect(await logIn(after, "b-another")).toBe(ErrorCode.NONE);
  expect((await before.send(Metadata, 12, ALL_TOPICS)).errorCode).toBe(ErrorCode.NONE);
});
