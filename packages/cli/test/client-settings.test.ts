// Which source says how a command connects.
import { X509Certificate } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { TestDirectory } from "../../broker/test/tls/certificates.ts";
import {
  java8Keys,
  java8Trust,
  java17Keys,
  java17Trust,
  jksKeys,
  jksTrust,
  PASSWORD,
} from "../../keystores/test/stores.ts";
import { BOOTSTRAP_OPTIONS } from "../src/args/options.ts";
import { parseArguments } from "../src/args/parser.ts";
import { clientSettings } from "../src/connection/client-settings.ts";
import type { Io } from "../src/terminal/io.ts";

type Files = Readonly<Record<string, string | Uint8Array>>;

/** The settings of a command line, where `$DIR` stands for the directory of the files. */
async function settingsOf(
  line: string,
  env: Readonly<Record<string, string>> = {},
  files: Files = {},
  modes: Readonly<Record<string, number>> = {},
) {
  await using directory = await TestDirectory.make();
  const here = (text: string) => text.replaceAll("$DIR", directory.path);
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory.path, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, typeof text === "string" ? here(text) : text);
    await chmod(path, modes[name] ?? 0o600);
  }
  let said = "";
  const stderr = new Writable({
    write: (chunk, _encoding, done) => {
      said += String(chunk);
      done();
    },
  });
  const entries = Object.entries(env).map(([name, value]) => [name, here(value)]);
  const io = { env: Object.fromEntries(entries), stderr } as unknown as Io;
  const words = here(line).split(" ").filter(Boolean);
  const settings = await clientSettings(parseArguments(words, BOOTSTRAP_OPTIONS), io);
  return { ...settings, said: said.replaceAll(directory.path, "$DIR") };
}

const PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule";
const SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule";
const jaas = (module: string, name: string, password: string) =>
  `sasl.jaas.config=${module} required username="${name}" password="${password}";\n`;

const FILES: Files = {
  "f.properties": `
# of the file
bootstrap.servers = file:9092
client.id: of-file
default.api.timeout.ms=7000
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-256
ssl.truststore.type=PEM
ssl.truststore.location=$DIR/ca
${jaas(SCRAM, "file", "f-secret")}`,
  "config/tarpan/default.properties": `bootstrap.servers=profile:9092
client.id=of-profile
security.protocol=SASL_PLAINTEXT
${jaas(PLAIN, "profile", "p-secret")}`,
  "config/tarpan/staging.properties": "bootstrap.servers=staging:9092",
  ca: "-----BEGIN CERTIFICATE-----of file",
  "ca-of-flag": "-----BEGIN CERTIFICATE-----of flag",
  password: "flag-secret\n",
};
const PROFILES = { XDG_CONFIG_HOME: "$DIR/config" };
const VARIABLES = {
  TARPAN_BROKERS: "variable:9092",
  TARPAN_SASL_USERNAME: "variable",
  TARPAN_SASL_PASSWORD: "v-secret",
};
const FLAGS = "-b flag:9092 --sasl-username flag --sasl-password-file $DIR/password";
const FILE = "--command-config $DIR/f.properties";

const sasl = (mechanism: string, username: string, password: string) => ({
  mechanism,
  ...{ username, password },
});

/** Flags before the file, before variables, before the profile. */
const PRECEDENCE: readonly (readonly [string, object, object])[] = [
  ["", {}, { bootstrap: "localhost:9092", clientId: "tarpan-cli", tls: undefined }],
  ["", PROFILES, { bootstrap: "profile:9092", sasl: sasl("PLAIN", "profile", "p-secret") }],
  ["--profile none", PROFILES, { bootstrap: "localhost:9092", sasl: undefined }],
  ["--profile staging", PROFILES, { bootstrap: "staging:9092", sasl: undefined }],
  ["", { ...PROFILES, TARPAN_PROFILE: "staging" }, { bootstrap: "staging:9092" }],
  ["--profile default", { ...PROFILES, TARPAN_PROFILE: "x" }, { bootstrap: "profile:9092" }],
  ["", { ...PROFILES, ...VARIABLES }, { bootstrap: "variable:9092", clientId: "of-profile" }],
  ["", VARIABLES, { sasl: sasl("SCRAM-SHA-512", "variable", "v-secret"), tls: undefined }],
  [
    FILE,
    { ...PROFILES, ...VARIABLES },
    {
      ...{ bootstrap: "file:9092", clientId: "of-file", timeoutMs: 7_000 },
      sasl: sasl("SCRAM-SHA-256", "file", "f-secret"),
      tls: { ca: FILES.ca },
    },
  ],
  [
    `${FLAGS} ${FILE} --tls-ca $DIR/ca-of-flag --timeout 2s`,
    { ...PROFILES, ...VARIABLES },
    {
      ...{ bootstrap: "flag:9092", clientId: "of-file", timeoutMs: 2_000 },
      sasl: sasl("SCRAM-SHA-256", "flag", "flag-secret"),
      tls: { ca: FILES["ca-of-flag"] },
    },
  ],
  [
    `${FLAGS} --sasl-mechanism plain --tls`,
    VARIABLES,
    { sasl: sasl("PLAIN", "flag", "flag-secret"), tls: {} },
  ],
  ["", { TARPAN_TLS_CA: "$DIR/ca" }, { tls: { ca: FILES.ca } }],
  ["", { TARPAN_TLS: "false", TARPAN_TLS_CA: "$DIR/ca" }, { tls: undefined }],
  ["", { TARPAN_TLS: "", TARPAN_BROKERS: "" }, { tls: undefined, bootstrap: "localhost:9092" }],
];

test.each(PRECEDENCE)("%s with %o", async (line, env, expected) => {
  const { said, ...settings } = await settingsOf(line, env as Record<string, string>, FILES);
  expect(said).toBe("");
  expect({ tls: undefined, sasl: undefined, ...settings }).toMatchObject(expected);
});

test("a password may be in a file that Windows has written, and must be UTF-8", async () => {
  const flags = "--sasl-username a --sasl-password-file $DIR/password";
  const { sasl: read } = await settingsOf(flags, {}, { password: "\ufeffa-secret\r\n" });
  expect(read).toMatchObject({ password: "a-secret" });
  // What reading UTF-16, or random bytes, leaves of them.
  const refused = settingsOf(flags, {}, { password: "\ufffd\ufffda" });
  await expect(refused).rejects.toThrow("--sasl-password-file: the file is not a text in UTF-8");
});

const of = (text: string, files: Files = {}) =>
  settingsOf("--command-config $DIR/f", {}, { f: text, ...files });

describe("a client.properties", () => {
  test("may have a key and a certificate in PEM", async () => {
    const pem = "-----BEGIN PRIVATE KEY-----";
    const ssl = "security.protocol=SSL\n";
    const store = "ssl.keystore.location=$DIR/k\n";
    const inPem = await of(`${ssl}${store}ssl.key.password=pw`, { k: pem });
    expect(inPem.tls).toEqual({ cert: pem, key: pem, passphrase: "pw" });
    const texts = await of(
      `${ssl}ssl.keystore.key=a\\n  b\nssl.keystore.certificate.chain=c\\\n   d\n` +
        "ssl.endpoint.identification.algorithm=",
    );
    expect(texts.tls).toEqual({ key: "a\n  b", cert: "cd", checkHost: false });
  });

  test("may have the stores of a Java program", async () => {
    const passwords = `ssl.truststore.password=${PASSWORD}\nssl.keystore.password=${PASSWORD}\n`;
    const location = "ssl.truststore.location=$DIR/t.jks\nssl.keystore.location=$DIR/k.p12\n";
    const text = `security.protocol=SSL\n${location}${passwords}`;
    for (const trust of [java17Trust, java8Trust, jksTrust]) {
      const { tls, said } = await of(text, { "t.jks": trust, "k.p12": java8Keys });
      expect(said).toBe("");
      expect(tls!.ca!.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
      expect(new X509Certificate(tls!.cert!).subject).toBe("CN=broker");
      expect(tls!.key).toContain("BEGIN PRIVATE KEY");
    }
  });

  test.each([
    ["ssl.truststore.location=$DIR/t", "can't be used: it needs a password (ssl.truststore.passw"],
    [
      "ssl.truststore.location=$DIR/t\nssl.truststore.password=a-secret",
      "f: ssl.truststore.location can't be used: its password is wrong, or the file was changed " +
        "(ssl.truststore.password)",
    ],
    [
      "ssl.keystore.location=$DIR/k\nssl.keystore.password=a-secret",
      "can't be used: its password is wrong, or the file was changed (ssl.keystore.password)",
    ],
    [
      `ssl.keystore.location=$DIR/k\nssl.keystore.password=${PASSWORD}\nssl.key.password=a-secret`,
      "can't be used: the password of its key is wrong (ssl.key.password)",
    ],
    ["ssl.keystore.location=$DIR/j", "keytool -importkeystore -srckeystore $DIR/j -destkeystore"],
    ["ssl.truststore.location=$DIR/x", "can't be used: it is damaged, or no PKCS#12 file"],
  ])("%j, with the stores of a Java program, is refused", async (text, message) => {
    const files = { t: java17Trust, k: java17Keys, j: jksKeys, x: "a text" };
    const refused = of(text, files).catch((error: Error) => error.message);
    const said = String(await refused).replace(/\/\S*\/tarpan-tls-\w+/g, "$DIR");
    expect(said).toContain(message);
    expect(said).not.toContain("secret");
  });

  test.each([
    ["sasl.mechanisms=PLAIN", "f: sasl.mechanisms is not known; did you mean sasl.mechanism?"],
    ["acks=all\nlinger.ms=5", "f: this command does not use acks, linger.ms"],
    ["session.timeout.ms=45000", "f: this command does not use session.timeout.ms"],
    [
      `security.protocol=SASL_SSL\nsasl.jaas.config=${SCRAM} required username="a" ` +
        'password="b" tokenauth="true";',
      "f: sasl.jaas.config: this command does not use tokenauth",
    ],
    [
      "request.timeout.ms=1000\ndefault.api.timeout.ms=2000",
      "f: this command does not use request.timeout.ms",
    ],
    ["ssl.key.password=x", "f: ssl.key.password has no effect: the connection has no TLS"],
    [
      `security.protocol=SSL\n${jaas(PLAIN, "a", "b")}`,
      "f: sasl.jaas.config has no effect: the connection has no SASL",
    ],
  ])("%j is told about", async (text, message) => {
    expect((await of(text)).said).toBe(`tarpan: $DIR/${message}\n`);
  });

  test.each([
    ["security.protocol=TLS", "security.protocol must be one of PLAINTEXT, SSL, SASL_"],
    ["security.protocol=SASL_SSL", "f: sasl.jaas.config is missing"],
    [
      "security.protocol=SASL_SSL\nsasl.username=a\nsasl.password=b-secret",
      "f: sasl.jaas.config (sasl.username and sasl.password are librdkafka's, and are not read) is",
    ],
    [
      `security.protocol=SASL_SSL\nsasl.jaas.config=x.OAuthBearerLoginModule required;`,
      "f: sasl.oauthbearer.token.endpoint.url is missing",
    ],
    [`sasl.jaas.config=${SCRAM} required username="a";`, "has no password"],
    [`sasl.jaas.config=${SCRAM} required password="b-secret"`, "must be like: CLASS required"],
    [`${jaas("com.Krb5LoginModule", "a", "b-secret")}`, "not Krb5LoginModule"],
    ["sasl.mechanism=GSSAPI", "sasl.mechanism must be one of PLAIN, SCRAM-SHA-256"],
    ["request.timeout.ms=10s", "request.timeout.ms must be a number of milliseconds"],
    ["ssl.truststore.location=$DIR/none", "ssl.truststore.location: $DIR/none can't be read"],
    ["ssl.keystore.key=k", "ssl.keystore.certificate.chain is missing"],
  ])("%j is refused", async (text, message) => {
    const refused = of(text).catch((error: Error) => error.message);
    const said = String(await refused).replace(/\/\S*\/tarpan-tls-\w+/g, "$DIR");
    expect(said).toContain(message);
    expect(said).not.toContain("secret");
  });
});

describe("a profile", () => {
  const env = { HOME: "$DIR" };
  const secret = `security.protocol=SASL_SSL\n${jaas(PLAIN, "a", "b")}ssl.truststore.location=ca`;
  const files = { ".config/tarpan/prod.properties": secret, ".config/tarpan/ca": FILES.ca! };

  test("names files beside it, and its secrets are the user's", async () => {
    const { said, tls } = await settingsOf("--profile prod", env, files);
    expect([said, tls]).toEqual(["", { ca: FILES.ca }]);
    const modes = { ".config/tarpan/prod.properties": 0o644 };
    const open = await settingsOf("--profile prod", env, files, modes);
    expect(open.said).toMatch(/^tarpan: other users may read \S+prod\.properties, .*: chmod 600 /);
  });

  test("that does not exist is refused", async () => {
    const refused = settingsOf("--profile pord", env, files);
    await expect(refused).rejects.toThrow(/there is no profile pord: .*; did you mean prod\?/);
    await expect(settingsOf("--profile ../x", env)).rejects.toThrow("can't be the name");
    await expect(settingsOf("--profile prod", {})).rejects.toThrow("need the variable HOME");
  });
});

test.each([
  [{ TARPAN_SASL_USER: "a" }, "TARPAN_SASL_USER is not known; did you mean TARPAN_SASL_USERNAME?"],
  [{ TARPAN_BROKER: "a" }, "TARPAN_BROKER is not known; did you mean TARPAN_BROKERS?"],
])("the variables %o are told about", async (env, message) => {
  expect((await settingsOf("", env)).said).toBe(`tarpan: ${message}\n`);
});

test.each([
  [{ TARPAN_SASL_PASSWORD: "x" }, "TARPAN_SASL_USERNAME is missing"],
  [{ TARPAN_SASL_USERNAME: "x" }, "TARPAN_SASL_PASSWORD_FILE is missing"],
  [{ TARPAN_TLS: "yes" }, "TARPAN_TLS must be true or false"],
  [{ ...VARIABLES, TARPAN_SASL_PASSWORD_FILE: "$DIR/password" }, "leave one out"],
])("the variables %o are refused", async (env, message) => {
  await expect(settingsOf("", env, FILES)).rejects.toThrow(message);
});
