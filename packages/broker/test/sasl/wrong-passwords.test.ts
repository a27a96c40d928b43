import { connect } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ErrorCode, SaslAuthenticate } from "@tarpan/protocol";
import { expect, test } from "vitest";
import { KafkaSocket } from "../runtime/kafka-socket.ts";
import { startOnRealPorts } from "../runtime/on-real-ports.ts";
import { createUser, handshake, plainToken } from "./sasl-client.ts";
import { unsecuredToken } from "./token-issuer.ts";

/** `npm run chaos` tries a million. */
const ATTEMPTS = Number(process.env.TARPAN_WRONG_PASSWORDS ?? 2_000);
const AT_A_TIME = 50;
/** What caches may grow by, bytes. */
const SLACK_BYTES = 30_000_000;

const JAAS = 'PlainLoginModule required user_admin="admin-secret";';

test(`${ATTEMPTS} wrong log-ins leave no memory behind`, { timeout: 3_600_000 }, async () => {
  await using at = await startOnRealPorts({
    listeners: "USERS://127.0.0.1:0,OPEN://127.0.0.1:0",
    "listener.security.protocol.map": "USERS:SASL_PLAINTEXT,OPEN:PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,OAUTHBEARER",
    "listener.name.users.plain.sasl.jaas.config": JAAS,
    "connection.failed.authentication.delay.ms": "1",
  });
  using open = KafkaSocket.plain(at.port(1));
  await createUser(open, "SCRAM-SHA-256", "bob", "b-secret");
  const attempts = async (from: number, to: number) => {
    let next = from;
    const one = async () => {
      while (next < to) await refusedOnce(at.port(0), next++);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, one));
  };
  const warmUp = Math.floor(ATTEMPTS / 4);
  await attempts(0, warmUp);
  const before = usedBytes();
  await attempts(warmUp, ATTEMPTS);
  expect(usedBytes() - before).toBeLessThan(SLACK_BYTES);
  expect(at.listener.stats.connectionsFailed.authentication).toBe(ATTEMPTS);
  // A line for each of some addresses, and one for all others.
  expect(at.log.length).toBeLessThan(1_000);
  using alice = KafkaSocket.plain(at.port(0));
  await handshake(alice, "PLAIN");
  const authBytes = plainToken("admin", "admin-secret");
  expect((await alice.send(SaslAuthenticate, 2, { authBytes })).errorCode).toBe(ErrorCode.NONE);
});

/** Each from another address, as a botnet would. */
async function refusedOnce(port: number, n: number): Promise<void> {
  const localAddress = `127.${1 + (n % 250)}.${(n >> 8) & 255}.${1 + (n % 253)}`;
  using client = new KafkaSocket(connect({ port, host: "127.0.0.1", localAddress }));
  const [mechanism, ...tokens] = WAYS[n % WAYS.length]!(n);
  await handshake(client, mechanism);
  let errorCode: number = ErrorCode.NONE;
  for (const authBytes of tokens) {
    ({ errorCode } = await client.send(SaslAuthenticate, 2, { authBytes }));
  }
  expect(errorCode).toBe(ErrorCode.SASL_AUTHENTICATION_FAILED);
  await client.closed();
}

const scramTokens = (user: string, n: number) => [
  Buffer.from(`n,,n=${user},r=x${n}`),
  Buffer.from("c=biws,r=x,p=AAAA"),
];

type Way = (n: number) => [string, ...Buffer[]];

/** A tenth is hashed: that takes most of the time, and none of the memory. */
const WAYS: readonly Way[] = [
  ...Array.from({ length: 8 }, (): Way => (n) => ["SCRAM-SHA-256", ...scramTokens("bob", n)]),
  ...Array.from({ length: 8 }, (): Way => (n) => ["SCRAM-SHA-256", ...scramTokens(`user${n}`, n)]),
  (n) => ["PLAIN", plainToken(`user${n}`, "x")],
  (n) => ["PLAIN", plainToken("admin", `guess ${n}`)],
  (n) => ["PLAIN", plainToken(n % 2 === 0 ? "admin" : `user${n}`, "")],
  (n) => ["OAUTHBEARER", bearer(unsecuredToken({ sub: `u${n}`, exp: 1 })), Buffer.of(1)],
];

const bearer = (token: string) => Buffer.from(`n,,\x01auth=Bearer ${token}\x01\x01`);

function usedBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let i = 0; i < 3; i++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
