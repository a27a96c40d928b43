import { createPrivateKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ManagedEngine } from "../../src/config/settings.ts";
import { ServerSecurity } from "../../src/nats/server-security.ts";
import { testEnv } from "../env/test-env.ts";
import { TestAuthority } from "../tls/certificates.ts";
import { recordingLogger } from "./own-engine.ts";

const authority = new TestAuthority();
const own = authority.issue("broker-1", { hosts: ["10.0.0.1", "broker-1.example.com"] });
const other = authority.issue("broker-2", { hosts: ["10.0.0.2"] });
const FILES = { certFile: "/own.crt", keyFile: "/own.key", caFile: "/ca.crt" };

class Case {
  readonly env = testEnv();
  readonly logger = recordingLogger();

  async write(path: string, text: string): Promise<void> {
    const file = await this.env.fs.open(path, { create: true });
    await file.truncate(0);
    await file.write([new TextEncoder().encode(text)], 0);
    await file.close();
  }

  async writeAll({ cert = own.certificate, key = own.key, ca = authority.certificate } = {}) {
    await this.write("/own.crt", cert);
    await this.write("/own.key", key);
    await this.write("/ca.crt", ca);
  }

  open(more: Partial<ManagedEngine> = { tls: FILES }): Promise<ServerSecurity> {
    const engine = { kind: "managed", raftHost: "10.0.0.1", raftPort: 7001, ...more } as const;
    return ServerSecurity.open(engine, this);
  }
}

describe("the files of a certificate between brokers", () => {
  it("may name the host of raft_addr as an address or as a name", async () => {
    const one = new Case();
    await one.writeAll();
    const { certificateExpiresMs, problem } = await one.open();
    expect(certificateExpiresMs).toBeGreaterThan(Date.parse("2026-01-01"));
    expect(problem).toBeNull();
    await one.open({ tls: FILES, raftHost: "broker-1.example.com" });
    expect(one.logger.lines.join()).not.toMatch(/open|encrypted/);
  });

  const locked = createPrivateKey(own.key).export({
    ...({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "s3cr3t" } as const),
  });
  it.each([
    ["another key", { key: other.key }, "/own.key is not the key of the certificate in /own.crt"],
    [
      "a key with a password",
      { key: String(locked) },
      "/own.key has a password, which nats-server",
    ],
    ["no key", { key: own.certificate }, "/own.key is no private key in PEM"],
    [
      "another authority",
      { ca: new TestAuthority().certificate },
      "/own.crt was not signed by an authority in /ca.crt",
    ],
    [
      "another host",
      { cert: other.certificate, key: other.key },
      "/own.crt is not for 10.0.0.1, the host of raft_addr",
    ],
    ["no certificate", { cert: "" }, '/own.crt has no "-----BEGIN CERTIFICATE-----"'],
  ])("are refused with %s", async (_name, files, message) => {
    const one = new Case();
    await one.writeAll(files);
    const error = await one.open().catch((reason: Error) => reason);
    expect(error).toMatchObject({ code: "TARPAN_CLUSTER_CERTIFICATE" });
    expect((error as Error).message).toContain(`certificate between brokers: ${message}`);
    expect((error as Error).message).not.toMatch(/\n|s3cr3t/);
  });

  it("are told when they have expired, because the other brokers refuse them", async () => {
    const one = new Case();
    const old = authority.issue("broker-1", { hosts: ["10.0.0.1"], expired: true });
    await one.writeAll({ cert: old.certificate, key: old.key });
    // Half an hour before the end, as TestAuthority sets it.
    const hourMs = 3_600_000;
    await one.env.time.advance(Date.now() - 24 * hourMs - hourMs / 2 - one.env.clock.wallMs());
    const security = await one.open();
    expect(one.logger.lines).toEqual([]);
    await one.env.time.advance(hourMs);
    await security.refresh();
    await security.refresh();
    expect(one.logger.lines).toEqual([
      expect.stringMatching(/^raft: \/own.crt has expired \(CN=broker-1, at .*renew/),
    ]);
  });

  it("are told when an authority has expired, and when the first one will", async () => {
    const one = new Case();
    const ended = new TestAuthority({ name: "Old CA", expired: true });
    await one.writeAll({ ca: `${authority.certificate}${ended.certificate}` });
    await one.env.time.advance(Date.now() - one.env.clock.wallMs());
    const security = await one.open();
    await security.refresh();
    expect(security.authorityExpiresMs).toBeLessThan(Date.now());
    expect(security.certificateExpiresMs).toBeGreaterThan(Date.now());
    expect(one.logger.lines).toEqual([
      expect.stringMatching(/^raft: an authority in \/ca.crt has expired \(CN=Old CA, at .*; brok/),
    ]);
  });

  it("are taken again when they changed, unless they can't be used", async () => {
    const one = new Case();
    await one.writeAll();
    const security = await one.open();
    expect(await security.refresh()).toBe(false);
    const next = authority.issue("broker-1", { hosts: ["10.0.0.1"] });
    await one.write("/own.crt", next.certificate);
    expect(await security.refresh()).toBe(false);
    expect(security).toMatchObject({ reloadFailures: 1 });
    expect(security.problem).toMatch(/^keeps its certificates: .*own.key is not the key/);
    await one.write("/own.key", next.key);
    expect(await security.refresh()).toBe(true);
    expect(security.problem).toBeNull();
    expect(await security.refresh()).toBe(false);
  });
});

describe("an open raft address", () => {
  const warnings = async (more: Partial<ManagedEngine>) => {
    const one = new Case();
    await one.write("/password", "s3cr3t\n");
    await one.open(more);
    return one.logger.lines;
  };

  it("is warned of once, unless it is loopback", async () => {
    expect(await warnings({})).toEqual([
      expect.stringMatching(/^raft_addr is open: whoever can connect to it can read and write/),
    ]);
    for (const raftHost of ["127.0.0.1", "::1", "localhost"])
      expect(await warnings({ raftHost })).toEqual([]);
  });

  it("with a password is not encrypted", async () => {
    const [line, ...more] = await warnings({ passwordFile: "/password" });
    expect(line).toMatch(/^raft_addr is not encrypted: whoever can read the network/);
    expect(more).toEqual([]);
  });
});
