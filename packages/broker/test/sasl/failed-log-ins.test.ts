import { connect } from "node:net";
import { ErrorCode, SaslAuthenticate } from "@tarpan/protocol";
import { expect, test } from "vitest";
import { nodeEnv } from "../../src/env/node-env.ts";
import { WARNING_INTERVAL_MS } from "../../src/logging/throttled-warnings.ts";
import { KafkaSocket } from "../runtime/kafka-socket.ts";
import { startOnRealPorts } from "../runtime/on-real-ports.ts";
import { authenticatePlain, handshake, plainToken } from "./sasl-client.ts";

const LISTENER = {
  listeners: "USERS://127.0.0.1:0",
  "listener.security.protocol.map": "USERS:SASL_PLAINTEXT",
  "sasl.enabled.mechanisms": "PLAIN",
};
const DELAY_MS = 100;

test("a wrong password is answered when 100 ms are over, not before", async () => {
  const held: (() => void)[] = [];
  const timers = {
    ...nodeEnv.timers,
    after(delayMs: number, fire: () => void) {
      if (delayMs !== DELAY_MS) return nodeEnv.timers.after(delayMs, fire);
      held.push(fire);
      return { cancel() {} };
    },
  };
  await using at = await startOnRealPorts(LISTENER, { timers });
  using client = KafkaSocket.plain(at.port(0));
  let isAnswered = false;
  const answer = authenticatePlain(client, "ann", "a-guess").finally(() => {
    isAnswered = true;
  });
  await expect.poll(() => held.length).toBe(1);
  // Another client is served meanwhile, and this one still waits.
  using other = KafkaSocket.plain(at.port(0));
  await handshake(other, "PLAIN");
  expect(isAnswered).toBe(false);
  held[0]!();
  expect((await answer).errorCode).toBe(ErrorCode.SASL_AUTHENTICATION_FAILED);
  await client.closed();
});

test("failed log-ins are logged once for an address, and then how many more there were", async () => {
  const delay = { "connection.failed.authentication.delay.ms": "1" };
  const at = await startOnRealPorts({ ...LISTENER, ...delay });
  const guess = async (localAddress: string) => {
    const socket = connect({ port: at.port(0), host: "127.0.0.1", localAddress });
    using client = new KafkaSocket(socket);
    await handshake(client, "PLAIN");
    await client.send(SaslAuthenticate, 2, { authBytes: plainToken("ann", "a-guess") });
    await client.closed();
  };
  for (const address of ["127.0.0.7", "127.0.0.7", "127.0.0.7", "127.0.0.8"]) await guess(address);
  const lines = () => at.log.filter((line) => line.includes("wrong user name or password"));
  const from = (address: string) =>
    `warn closed a connection of ${address} (client id test): SASL PLAIN: wrong user name or password`;
  expect(lines()).toEqual([from("127.0.0.7"), from("127.0.0.8")]);
  await at.broker.stop();
  expect(lines().slice(2)).toEqual([`${from("127.0.0.7")} (2 more like this)`]);
  expect(at.log.join("\n")).not.toContain("a-guess");
  expect(WARNING_INTERVAL_MS).toBe(60_000);
});
