import { Kafka, logLevel } from "kafkajs";
import { expect, test } from "vitest";
import { startOnRealPorts } from "../../packages/broker/test/runtime/on-real-ports.ts";
import { TokenIssuer } from "../../packages/broker/test/sasl/token-issuer.ts";
import { TestAuthority, TestDirectory } from "../../packages/broker/test/tls/certificates.ts";
import { Client, oauthClientCredentials } from "../../packages/client/src/index.ts";
import { peer } from "../harness/peers.ts";
import { run } from "../harness/run.ts";
import { CLIENT, inAnHour, OAuthIssuer } from "./oauth-issuer.ts";
import { ADMIN_ROUND_TRIP, programPeer } from "./peer.ts";
import { javaArgs, unsecuredTokenOf } from "./secured-programs.ts";

// Real clients over SASL_SSL with OAUTHBEARER. The broker runs in this process, and so does an
// issuer with its JWKS and a token endpoint for the grant with a client's secret.

const ca = new TestAuthority();
const own = ca.broker();
const python = peer("confluent-kafka-python-2");
const java = peer("java");
const kcat = peer("kcat");

const [SIGNED, UNSECURED] = [0, 1];

function start(issuer: OAuthIssuer) {
  return startOnRealPorts({
    listeners: "SIGNED://localhost:0,UNSECURED://localhost:0",
    "listener.security.protocol.map": "SIGNED:SASL_SSL,UNSECURED:SASL_SSL",
    "ssl.keystore.type": "PEM",
    "ssl.keystore.certificate.chain": own.certificate,
    "ssl.keystore.key": own.key,
    "sasl.enabled.mechanisms": "OAUTHBEARER",
    ...issuer.listenerConfigs("signed"),
  });
}

test("kafkajs: oauthBearerProvider", async () => {
  await using issuer = await OAuthIssuer.start();
  await using at = await start(issuer);
  const client = (listener: number, value: string) =>
    new Kafka({
      brokers: [`localhost:${at.port(listener)}`],
      ssl: { ca: ca.certificate },
      sasl: { mechanism: "oauthbearer", oauthBearerProvider: async () => ({ value }) },
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
    });
  const ways = [issuer.token({}), unsecuredTokenOf("alice")];
  for (const [listener, token] of ways.entries()) {
    const producer = client(listener, token).producer();
    await producer.connect();
    const sent = await producer.send({ topic: `t${listener}`, messages: [{ value: "x" }] });
    expect(sent).toMatchObject([{ errorCode: 0, baseOffset: "0" }]);
    await producer.disconnect();
  }
  const wrong = client(SIGNED, issuer.token({ aud: "billing" })).admin();
  await expect(wrong.connect().then(() => wrong.listTopics())).rejects.toThrow();
});

test("@tarpan/client: oauthClientCredentials", async () => {
  await using issuer = await OAuthIssuer.start();
  await using at = await start(issuer);
  const topics = async (clientSecret: string) => {
    const grant = { tokenEndpointUrl: issuer.tokenUrl, clientId: CLIENT.id, clientSecret };
    await using client = new Client({
      bootstrap: `localhost:${at.port(SIGNED)}`,
      tls: { ca: ca.certificate },
      sasl: { mechanism: "OAUTHBEARER", oauthBearerProvider: oauthClientCredentials(grant) },
    });
    return await client.allTopics();
  };
  expect(await topics(CLIENT.secret)).toEqual([]);
  await expect(topics("wrong")).rejects.toThrow("status 401: invalid_client");
});

/** Produces a record and reads it back; prints what failed. Its configs are JSON on stdin. */
const PYTHON = `
import json, sys, time
from confluent_kafka import Consumer, Producer, TopicPartition
given = json.load(sys.stdin)
failures = []
configs = {**given["configs"], "error_cb": lambda error: failures.append(str(error))}
if "token" in given:
    configs["oauth_cb"] = lambda _: (given["token"], given["expires"])
producer = Producer(configs)
producer.poll(0)
producer.produce("python", b"x", callback=lambda error, _: error and failures.append(str(error)))
left = producer.flush(given["seconds"])
if left > 0:
    sys.exit("; ".join(failures) or "nothing was sent")
consumer = Consumer({**configs, "group.id": "g"})
consumer.assign([TopicPartition("python", 0, 0)])
message = None
until = time.time() + 20
while message is None and time.time() < until:
    message = consumer.poll(1)
print(message.value().decode())
consumer.close()
`;

python.it(
  "confluent-kafka-python: oauth_cb, and OIDC by a token endpoint",
  async () => {
    await using issuer = await OAuthIssuer.start();
    await using at = await start(issuer);
    await using directory = await TestDirectory.make();
    const tls = { "ssl.ca.location": await directory.write("ca.pem", ca.certificate) };
    const ask = (listener: number, configs: object, more: object) => {
      const all = {
        "bootstrap.servers": `localhost:${at.port(listener)}`,
        "security.protocol": "SASL_SSL",
        "sasl.mechanisms": "OAUTHBEARER",
        ...tls,
        ...configs,
      };
      const input = JSON.stringify({ configs: all, seconds: 20, expires: inAnHour(), ...more });
      return run(python.path, ["-c", PYTHON], { input, env: { PYTHONPATH: python.modules } });
    };
    const oidc = (secret: string) => ({
      "sasl.oauthbearer.method": "oidc",
      "sasl.oauthbearer.client.id": CLIENT.id,
      "sasl.oauthbearer.client.secret": secret,
      "sasl.oauthbearer.token.endpoint.url": issuer.tokenUrl,
    });
    const [callback, unsecured, endpoint, ...refused] = await Promise.all([
      ask(SIGNED, {}, { token: issuer.token({}) }),
      ask(UNSECURED, {}, { token: unsecuredTokenOf("alice") }),
      ask(SIGNED, oidc(CLIENT.secret), {}),
      ask(SIGNED, {}, { token: issuer.token({ iss: "https://evil.example.com" }), seconds: 3 }),
      ask(SIGNED, {}, { token: new TokenIssuer("key").token({}), seconds: 3 }),
      ask(SIGNED, {}, { token: unsecuredTokenOf("alice"), seconds: 3 }),
    ]);
    for (const served of [callback, unsecured, endpoint]) {
      expect(served).toMatchObject({ code: 0, stdout: "x\n" });
    }
    for (const { code, stderr } of refused) {
      expect([code, stderr]).toEqual([1, expect.stringMatching(/invalid_token/)]);
    }
  },
  90_000,
);

java.it(
  "Kafka's own client: unsecured tokens, a token endpoint, and a token in a file",
  async () => {
    await using issuer = await OAuthIssuer.start();
    await using at = await start(issuer);
    await using directory = await TestDirectory.make();
    const file = `file:${await directory.write("token", issuer.token({ sub: "service" }))}`;
    const allowed = `-Dorg.apache.kafka.sasl.oauthbearer.allowed.files=${file.slice(5)}`;
    const module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required";
    const ask = (listener: number, topic: string, configs: Record<string, string>) => {
      const port = at.port(listener);
      const args = [allowed, ...javaArgs(java, "Peer", issuer.tokenUrl, file)];
      const security = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "OAUTHBEARER",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": ca.certificate,
        ...configs,
      };
      const address = { port, bootstrap: `localhost:${port}` };
      return programPeer(java, args, address)("admin", topic, { security }).catch(String);
    };
    const retrieved = (url: string, jaas: string) => ({
      "sasl.login.callback.handler.class":
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
      "sasl.oauthbearer.token.endpoint.url": url,
      "sasl.jaas.config": `${module} ${jaas};`,
    });
    const grant = `clientId="${CLIENT.id}" clientSecret="${CLIENT.secret}"`;
    const unsecured = { "sasl.jaas.config": `${module} unsecuredLoginStringClaim_sub="alice";` };
    const [served, ...others] = await Promise.all([
      ask(SIGNED, "by-endpoint", retrieved(issuer.tokenUrl, grant)),
      ask(SIGNED, "by-file", retrieved(file, "")),
      ask(UNSECURED, "unsecured", unsecured),
      ask(SIGNED, "refused", unsecured),
    ]);
    const refusal = expect.stringMatching(/SaslAuthenticationException.*invalid_token/);
    expect([served, ...others]).toEqual([...Array(3).fill(ADMIN_ROUND_TRIP), refusal]);
  },
  90_000,
);

/** Of Debian's librdkafka, which was built without HTTP: it can only make a token by itself. */
kcat.it(
  "kcat: an unsecured token",
  async () => {
    await using issuer = await OAuthIssuer.start();
    await using at = await start(issuer);
    await using directory = await TestDirectory.make();
    const configs = {
      "security.protocol": "SASL_SSL",
      "ssl.ca.location": await directory.write("ca.pem", ca.certificate),
      "sasl.mechanism": "OAUTHBEARER",
      "enable.sasl.oauthbearer.unsecure.jwt": "true",
      "sasl.oauthbearer.config": "principal=alice",
    };
    const flags = Object.entries(configs).flatMap(([name, value]) => ["-X", `${name}=${value}`]);
    const to = (listener: number) => ["-b", `localhost:${at.port(listener)}`, ...flags];
    const produced = await run(kcat.path, [...to(UNSECURED), "-t", "t", "-P"], { input: "x\n" });
    expect(produced).toMatchObject({ code: 0 });
    const consumed = await run(kcat.path, [...to(UNSECURED), "-t", "t", "-C", "-e", "-q"]);
    expect(consumed).toMatchObject({ code: 0, stdout: "x\n" });
    const refused = await run(kcat.path, [...to(SIGNED), "-t", "t", "-P"], { input: "x\n" });
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/invalid_token/)]);
  },
  60_000,
);
