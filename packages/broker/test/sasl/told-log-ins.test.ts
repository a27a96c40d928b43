import { connect } from "node:net";
import { SaslAuthenticate } from "@tarpan/protocol";
import { expect, test } from "vitest";
import { WARNING_INTERVAL_MS } from "../../src/logging/throttled-warnings.ts";
import { KafkaSocket } from "../runtime/kafka-socket.ts";
import { startOnRealPorts } from "../runtime/on-real-ports.ts";
import { handshake, plainToken } from "./sasl-client.ts";

test("failed log-ins are logged once for an address, and then how many more there were", async () => {
  const at = await startOnRealPorts({
    listeners: "USERS://127.0.0.1:0",
    "listener.security.protocol.map": "USERS:SASL_PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN",
    "connection.failed.authentication.delay.ms": "1",
  });
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
