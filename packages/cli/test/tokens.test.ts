// Log-ins by OAUTHBEARER: where a command gets its token.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startOnRealPorts } from "../../broker/test/runtime/on-real-ports.ts";
import { unsecuredToken } from "../../broker/test/sasl/token-issuer.ts";
import { TestDirectory } from "../../broker/test/tls/certificates.ts";
import { tarpan } from "./run-command.ts";

let at: Awaited<ReturnType<typeof startOnRealPorts>>;
let directory: TestDirectory;
let issuer: Server;

function token(): string {
  const iat = Math.floor(Date.now() / 1_000);
  return unsecuredToken({ sub: "alice", iat, exp: iat + 600 });
}

beforeAll(async () => {
  directory = await TestDirectory.make();
  at = await startOnRealPorts({
    listeners: "SASL_PLAINTEXT://127.0.0.1:0",
    "sasl.enabled.mechanisms": "OAUTHBEARER",
    "connection.failed.authentication.delay.ms": "1",
  });
  issuer = createServer((request, response) => {
    const expected = `Basic ${Buffer.from("me:a-secret").toString("base64")}`;
    const isKnown = request.headers.authorization === expected;
    response.writeHead(isKnown ? 200 : 401, { "content-type": "application/json" });
    response.end(JSON.stringify({ access_token: token(), expires_in: 600, token_type: "bearer" }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  await directory.write("token", `${token()}\n`);
  await directory.write("secret", "a-secret\n");
});

afterAll(async () => {
  await at.broker.stop();
  issuer.close();
  await directory[Symbol.asyncDispose]();
});

const MODULE = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required";

const here = (text: string) =>
  text
    .replaceAll("DIR", directory.path)
    .replaceAll("ISSUER", `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/token`);

async function list(flags: string, env: Readonly<Record<string, string>> = {}, file = "") {
  const path = await directory.write("client.properties", here(file));
  const words = here(flags).split(" ").filter(Boolean);
  const configured = file === "" ? [] : ["--command-config", path];
  const variables = Object.entries(env).map(([name, value]) => [name, here(value)]);
  return tarpan(
    ["topic", "list", "-b", `127.0.0.1:${at.port(0)}`, "--timeout=5s", ...words, ...configured],
    { env: Object.fromEntries(variables) },
  );
}

describe("a token comes from", () => {
  const ID = "--sasl-oauth-token-endpoint ISSUER --sasl-oauth-client-id me";
  const protocol = "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER\n";
  test.each([
    ["a file", "--sasl-oauth-token-file DIR/token", {}, ""],
    ["an issuer", `${ID} --sasl-oauth-client-secret-file DIR/secret`, {}, ""],
    [
      "variables",
      "",
      {
        TARPAN_SASL_OAUTH_TOKEN_ENDPOINT: "ISSUER",
        TARPAN_SASL_OAUTH_CLIENT_ID: "me",
        TARPAN_SASL_OAUTH_CLIENT_SECRET: "a-secret",
      },
      "",
    ],
    [
      "Kafka's configs",
      "",
      {},
      `${protocol}sasl.jaas.config=${MODULE} clientId="me" clientSecret="a-secret";\n` +
        "sasl.oauthbearer.token.endpoint.url=ISSUER\n" +
        "sasl.login.callback.handler.class=org.apache.kafka.Any",
    ],
    [
      "a file that Kafka's configs name",
      "",
      {},
      `${protocol}sasl.jaas.config=${MODULE};\n` +
        "sasl.oauthbearer.token.endpoint.url=file://DIR/token",
    ],
    [
      "Kafka's form for tests",
      "",
      {},
      `${protocol}sasl.jaas.config=${MODULE} unsecuredLoginStringClaim_sub="alice";`,
    ],
    [
      "flags, although the file has a password",
      "--sasl-oauth-token-file DIR/token",
      {},
      "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config=" +
        'a.PlainLoginModule required username="a" password="b-secret";',
    ],
  ])("%s", async (_, flags, env, file) => {
    expect(await list(flags, env as Record<string, string>, file)).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^no topics yet/),
    });
  });

  test.each([
    ["--sasl-mechanism OAUTHBEARER", "--sasl-oauth-token-file is missing"],
    [`${ID}`, "--sasl-oauth-client-secret-file is missing"],
    [`${ID} --sasl-oauth-token-file DIR/token`, "leave one out"],
    ["--sasl-oauth-token-file DIR/none", "DIR/none can't be read: no such file"],
    ["--sasl-oauth-token-file DIR/token --sasl-mechanism PLAIN", "PLAIN needs other credentials"],
    [`${ID} --sasl-oauth-client-secret-file DIR/token`, "401"],
  ])("nowhere with %s", async (flags, message) => {
    const { code, stderr } = await list(flags);
    expect(code).not.toBe(0);
    expect(stderr).toContain(here(message));
  });
});
