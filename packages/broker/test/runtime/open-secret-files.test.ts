import { chmod } from "node:fs/promises";
import { expect, test } from "vitest";
import { readBrokerOptions } from "../../src/config/broker-options.ts";
import type { BrokerSettings } from "../../src/config/settings.ts";
import { nodeEnv } from "../../src/env/node-env.ts";
import { warnOfOpenSecretFiles } from "../../src/runtime/open-secret-files.ts";
import { Secret } from "../../src/util/secret.ts";
import { TestAuthority, TestDirectory } from "../tls/certificates.ts";
import { startOnRealPorts } from "./on-real-ports.ts";

async function warningsFor(settings: BrokerSettings): Promise<string[]> {
  const log: string[] = [];
  const write = (message: string) => void log.push(message);
  const logger = { debug: write, info: write, warn: write, error: write };
  await warnOfOpenSecretFiles(settings, nodeEnv.fs, logger);
  return log;
}

const open = (path: string, setting: string) =>
  `every user of this machine may read or write ${path} (${setting}), which is secret: ` +
  `chmod 600 ${path}`;

test("files of secrets that are open to everybody are warned of, each once", async () => {
  await using directory = await TestDirectory.make();
  const file = (name: string) => directory.write(name, "secret");
  const names = ["admin", "keystore", "key", "password", "etcd", "etcd-key", "ca", "cert"];
  const paths = await Promise.all(names.map(file));
  const [admin, keystore, keyFile, passwordFile, etcdPassword, etcdKey, caFile, certFile] =
    paths as [string, string, string, string, string, string, string, string];
  const listeners = "A://127.0.0.1:0,B://127.0.0.1:0";
  const configs = {
    ...{ listeners, "listener.security.protocol.map": "A:SSL,B:SSL" },
    ...{ "ssl.keystore.type": "PEM", "ssl.keystore.location": keystore },
  };
  const tls = { certFile, keyFile, caFile };
  const user = { name: "tarpan", passwordFile: etcdPassword };
  const etcd = { endpoints: ["https://a"], timeoutMs: 1, user, tls: { keyFile: etcdKey, caFile } };
  const settings: BrokerSettings = {
    ...readBrokerOptions({ configs }).settings,
    initialAdmin: { name: "admin", password: { file: admin } },
    cluster: {
      engine: { kind: "managed", raftHost: "127.0.0.1", raftPort: 1, tls, passwordFile },
      discovery: { type: "etcd", ...etcd },
      ...{ followerRead: false, allowOldEngine: false },
    },
  };
  expect(await warningsFor(settings)).toEqual([]);
  for (const path of paths) await chmod(path, 0o640);
  expect(await warningsFor(settings)).toEqual([]);
  for (const path of paths) await chmod(path, 0o644);
  expect(await warningsFor(settings)).toEqual([
    open(admin, "initial_admin_password_file"),
    open(keystore, "ssl.keystore.location"),
    open(keyFile, "cluster_tls_key_file"),
    open(passwordFile, "cluster_password_file"),
    open(etcdPassword, "discovery.password_file"),
    open(etcdKey, "discovery.tls_key_file"),
  ]);
  await chmod(admin, 0o602);
  const external = { kind: "external", urls: new Secret([]), credentialsFile: keyFile };
  const discovery = { type: "static", peers: [] };
  const cluster = { engine: external, discovery } as unknown as BrokerSettings["cluster"];
  const [, , third] = await warningsFor({ ...settings, cluster });
  expect(third).toBe(open(keyFile, "engine_credentials_file"));
});

test("a broker says so when it starts", async () => {
  await using directory = await TestDirectory.make();
  const { key, certificate } = new TestAuthority().broker();
  const path = await directory.write("broker.pem", `${key}${certificate}`);
  await chmod(path, 0o604);
  await using at = await startOnRealPorts({
    ...{ listeners: "SSL://127.0.0.1:0", "ssl.keystore.type": "PEM" },
    "ssl.keystore.location": path,
  });
  expect(at.log).toContain(`warn ${open(path, "ssl.keystore.location")}`);
});
