import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Kafka, logLevel } from "kafkajs";
import { expect, test } from "vitest";
import { startOnRealPorts } from "../../packages/broker/test/runtime/on-real-ports.ts";
import {
  AUDIENCE,
  ISSUER,
  JwksServer,
  TokenIssuer,
  unsecuredToken,
} from "../../packages/broker/test/sasl/token-issuer.ts";
import { TestAuthority, TestDirectory } from "../../packages/broker/test/tls/certificates.ts";
import { Client, oauthClientCredentials } from "../../packages/client/src/index.ts";
import { peer } from "../harness/peers.ts";
import { run, succeed } from "../harness/run.ts";

// Real clients over SASL_SSL with OAUTHBEARER. The broker runs in this process, and so does an
// issuer with its JWKS and a token endpoint for the grant with a client's secret.

const ca = new TestAuthority();
const own = ca.broker();
const key = new TokenIssuer("key");
const python = peer("confluent-kafka-python-2");
const java = peer("java");

const [SIGNED, UNSECURED] = [0, 1];

class Issuer implements AsyncDisposable {
  readonly #jwks: JwksServer;
  readonly #endpoint = createServer((request, response) => {
    const secret = Buffer.from((request.headers.authorization ?? "").slice(6), "base64").toString();
    response.setHeader("content-type", "application/json");
    if (secret !== "service:s3cret") {
      response.writeHead(401).end('{"error":"invalid_client"}');
      return;
    }
    const access_token = key.token({ sub: "service" });
    response.end(JSON.stringify({ access_token, token_type: "Bearer", expires_in: 3600 }));
  });

  private constructor(jwks: JwksServer) {
    this.#jwks = jwks;
  }

  static async start(): Promise<Issuer> {
    const issuer = new Issuer(await JwksServer.start(key));
    await new Promise<void>((resolve) => issuer.#endpoint.listen(0, "127.0.0.1", resolve));
    return issuer;
  }

  get jwksUrl(): string {
    return this.#jwks.url;
  }

  get tokenUrl(): string {
    return `http://127.0.0.1:${(this.#endpoint.address() as AddressInfo).port}/token`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endpoint.closeAllConnections();
    await new Promise((resolve) => this.#endpoint.close(resolve));
    await this.#jwks[Symbol.asyncDispose]();
  }
}

function start(issuer: Issuer) {
  return startOnRealPorts({
    listeners: "SIGNED://localhost:0,UNSECURED://localhost:0",
    "listener.security.protocol.map": "SIGNED:SASL_SSL,UNSECURED:SASL_SSL",
    "ssl.keystore.type": "PEM",
    "ssl.keystore.certificate.chain": own.certificate,
    "ssl.keystore.key": own.key,
    "sasl.enabled.mechanisms": "OAUTHBEARER",
    "listener.name.signed.oauthbearer.sasl.oauthbearer.jwks.endpoint.url": issuer.jwksUrl,
    "listener.name.signed.oauthbearer.sasl.oauthbearer.expected.audience": AUDIENCE,
    "listener.name.signed.oauthbearer.sasl.oauthbearer.expected.issuer": ISSUER,
  });
}

const hour = () => Math.floor(Date.now() / 1_000) + 3_600;

test("kafkajs: oauthBearerProvider", async () => {
  await using issuer = await Issuer.start();
  await using at = await start(issuer);
  const client = (listener: number, value: string) =>
    new Kafka({
      brokers: [`localhost:${at.port(listener)}`],
      ssl: { ca: ca.certificate },
      sasl: { mechanism: "oauthbearer", oauthBearerProvider: async () => ({ value }) },
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
    });
  const ways = [key.token({}), unsecuredToken({ sub: "alice", exp: hour() })];
  for (const [listener, token] of ways.entries()) {
    const producer = client(listener, token).producer();
    await producer.connect();
    const sent = await producer.send({ topic: `t${listener}`, messages: [{ value: "x" }] });
    expect(sent).toMatchObject([{ errorCode: 0, baseOffset: "0" }]);
    await producer.disconnect();
  }
  const wrong = client(SIGNED, key.token({ aud: "billing" })).admin();
  await expect(wrong.connect().then(() => wrong.listTopics())).rejects.toThrow();
});

test("@tarpan/client: oauthClientCredentials", async () => {
  await using issuer = await Issuer.start();
  await using at = await start(issuer);
  const topics = async (clientSecret: string) => {
    const grant = { tokenEndpointUrl: issuer.tokenUrl, clientId: "service", clientSecret };
    await using client = new Client({
      bootstrap: `localhost:${at.port(SIGNED)}`,
      tls: { ca: ca.certificate },
      sasl: { mechanism: "OAUTHBEARER", oauthBearerProvider: oauthClientCredentials(grant) },
    });
    return await client.allTopics();
  };
  expect(await topics("s3cret")).toEqual([]);
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
    await using issuer = await Issuer.start();
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
      const input = JSON.stringify({ configs: all, seconds: 20, expires: hour(), ...more });
      return run(python.path, ["-c", PYTHON], { input, env: { PYTHONPATH: python.modules } });
    };
    const oidc = (secret: string) => ({
      "sasl.oauthbearer.method": "oidc",
      "sasl.oauthbearer.client.id": "service",
      "sasl.oauthbearer.client.secret": secret,
      "sasl.oauthbearer.token.endpoint.url": issuer.tokenUrl,
    });
    const [callback, unsecured, endpoint, ...refused] = await Promise.all([
      ask(SIGNED, {}, { token: key.token({}) }),
      ask(UNSECURED, {}, { token: unsecuredToken({ sub: "alice", exp: hour() }) }),
      ask(SIGNED, oidc("s3cret"), {}),
      ask(SIGNED, {}, { token: key.token({ iss: "https://evil.example.com" }), seconds: 3 }),
      ask(SIGNED, {}, { token: new TokenIssuer("key").token({}), seconds: 3 }),
      ask(SIGNED, {}, { token: unsecuredToken({ sub: "alice", exp: hour() }), seconds: 3 }),
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

const JAVA = `
import java.util.*;
import org.apache.kafka.clients.admin.*;
public class OAuth {
  public static void main(String[] args) throws Exception {
    Properties configs = new Properties();
    for (String pair : args) {
      int at = pair.indexOf('=');
      configs.put(pair.substring(0, at), pair.substring(at + 1));
    }
    try (Admin admin = Admin.create(configs)) {
      NewTopic topic = new NewTopic("java-" + UUID.randomUUID(), 1, (short) 1);
      admin.createTopics(List.of(topic)).all().get();
      System.out.println("created");
    } catch (Exception error) {
      for (Throwable cause = error; cause != null; cause = cause.getCause())
        System.out.println(cause);
    }
  }
}
`;

java.it(
  "Kafka's own client: unsecured tokens, and a token endpoint",
  async () => {
    await using issuer = await Issuer.start();
    await using at = await start(issuer);
    await using directory = await TestDirectory.make();
    const source = await directory.write("OAuth.java", JAVA);
    const truststore = await directory.write("ca.pem", ca.certificate);
    const module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required";
    const ask = (listener: number, configs: Record<string, string>) => {
      const all = {
        "bootstrap.servers": `localhost:${at.port(listener)}`,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "OAUTHBEARER",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": truststore,
        ...configs,
      };
      const pairs = Object.entries(all).map(([name, value]) => `${name}=${value}`);
      const allowed = `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${issuer.tokenUrl}`;
      const flags = [allowed, "-XX:TieredStopAtLevel=1", "-cp", java.classPath];
      return succeed(java.path, [...flags, source, ...pairs]);
    };
    const oidc = (secret: string) => ({
      "sasl.login.callback.handler.class":
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
      "sasl.oauthbearer.token.endpoint.url": issuer.tokenUrl,
      "sasl.jaas.config": `${module} clientId="service" clientSecret="${secret}";`,
    });
    const unsecured = { "sasl.jaas.config": `${module} unsecuredLoginStringClaim_sub="alice";` };
    const answers = await Promise.all([
      ask(UNSECURED, unsecured),
      ask(SIGNED, oidc("s3cret")),
      ask(SIGNED, unsecured),
    ]);
    const refusal = expect.stringMatching(/SaslAuthenticationException.*invalid_token/);
    expect(answers).toEqual(["created\n", "created\n", refusal]);
  },
  90_000,
);
