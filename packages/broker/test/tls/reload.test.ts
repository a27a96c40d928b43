import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { tlsSettingsOf } from "../../src/config/tls-settings.ts";
import { nodeEnv } from "../../src/env/node-env.ts";
import { distinguishedName, ListenerTls } from "../../src/tls/listener-tls.ts";
import { ManualTime } from "../env/manual-time.ts";
import { sslConfigs, TestAuthority, TestDirectory } from "./certificates.ts";

test("files are read again; what can't be used changes nothing, and is told", async () => {
  await using directory = await TestDirectory.make();
  const ca = new TestAuthority();
  const [first, second] = [ca.broker(), ca.broker()];
  const path = await directory.write("broker.pem", `${first.key}${first.certificate}`);
  const configs = { "ssl.keystore.type": "PEM", "ssl.keystore.location": path };
  const tls = tlsSettingsOf((name) => configs[name as keyof typeof configs] ?? null);
  const log: string[] = [];
  const write = (message: string) => void log.push(message);
  const logger = { debug: write, info: write, warn: write, error: write };
  const time = new ManualTime();
  const env = { fs: nodeEnv.fs, timers: time, clock: time };
  const opened = (await ListenerTls.open({ name: "SSL", tls }, { env, logger }))!;
  const serial = () => new X509Certificate(opened.options.cert as Buffer).serialNumber;
  const changes: string[] = [];
  const end = opened.watch(() => void changes.push(serial()));
  const firstSerial = serial();

  await opened.reload();
  expect(changes).toEqual([]);

  await directory.write("broker.pem", first.key);
  await opened.reload();
  await opened.reload();
  expect(serial()).toBe(firstSerial);
  expect(opened.problem).toContain("listener SSL keeps its certificates: ");
  expect(opened.reloadFailures).toBe(2);
  expect(log).toEqual([opened.problem]);

  await directory.write("broker.pem", `${second.key}${second.certificate}`);
  await opened.reload();
  expect(opened.problem).toBeNull();
  expect(changes).toEqual([new X509Certificate(second.certificate).serialNumber]);
  end();
});

test("a list of authorities that can't be read changes nothing", async () => {
  await using directory = await TestDirectory.make();
  const ca = new TestAuthority();
  const { certificate, key } = ca.broker();
  const path = await directory.write("ca.pem", ca.certificate);
  const configs: Record<string, string> = {
    ...sslConfigs({ certificate, key }),
    ...{ "ssl.truststore.type": "PEM", "ssl.truststore.location": path },
  };
  const tls = tlsSettingsOf((name) => configs[name] ?? null);
  const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const env = { fs: nodeEnv.fs, timers: new ManualTime(), clock: new ManualTime() };
  const opened = (await ListenerTls.open({ name: "SSL", tls }, { env, logger }))!;
  const damaged = ca.certificate.replace(/\n.{64}\n/, "\n");
  for (const [text, why] of [
    [damaged, "its certificate 1 can't be read"],
    [`${ca.certificate}${damaged}`, "its certificate 2 can't be read"],
    [key, "has no certificate"],
  ] as const) {
    await directory.write("ca.pem", text);
    await opened.reload();
    expect(opened.problem).toContain(why);
    expect(String(opened.options.ca)).toBe(ca.certificate);
  }
});

test("certificates and authorities that expire while the broker runs are told once", async () => {
  const [old, good] = [new TestAuthority({ name: "Old CA", expired: true }), new TestAuthority()];
  const ended = good.broker({ expired: true });
  const configs: Record<string, string> = {
    ...sslConfigs(ended),
    "ssl.truststore.type": "PEM",
    "ssl.truststore.certificates": `${good.certificate}${old.certificate}`,
  };
  const tls = tlsSettingsOf((name) => configs[name] ?? null);
  const log: string[] = [];
  const write = (message: string) => void log.push(message);
  const logger = { debug: write, info: write, warn: write, error: write };
  const time = new ManualTime();
  const env = { fs: nodeEnv.fs, timers: time, clock: time };
  const expiryOf = (certificate: string) => Date.parse(new X509Certificate(certificate).validTo);
  const endMs = Math.min(expiryOf(ended.certificate), expiryOf(old.certificate));
  time.advance(endMs - time.wallMs() - 1);
  const opened = (await ListenerTls.open({ name: "SSL", tls }, { env, logger }))!;
  expect([opened.expiresMs, opened.authorityExpiresMs]).toEqual([
    expiryOf(ended.certificate),
    expiryOf(old.certificate),
  ]);
  await opened.reload();
  expect(log).toEqual([]);
  time.advance(3_600_000);
  await opened.reload();
  await opened.reload();
  expect(log).toEqual([
    expect.stringMatching(
      /^listener SSL: its certificate has expired \(CN=broker, at 20.*renew it$/,
    ),
    expect.stringMatching(/an authority of its truststore has expired \(CN=Old CA, at 20.*; clien/),
  ]);
});

test("a distinguished name is written as RFC 2253 does", () => {
  expect(distinguishedName("C=DE\nO=A\\, B\nCN=x + UID=y")).toBe("CN=x+UID=y,O=A\\, B,C=DE");
});
