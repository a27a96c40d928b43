import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TestDirectory } from "../../broker/test/tls/certificates.ts";
import { tarpan } from "./run-command.ts";

test("a certificate has all names and addresses of its host, and is in order", async (context) => {
  await using directory = await TestDirectory.make();
  const { path } = directory;
  const names = Array.from({ length: 40 }, (_, i) => `broker-${i}.kafka.example.com`);
  const addresses = ["10.0.0.1", "::1", "2001:db8::1:0:0:1", "::ffff:192.0.2.7"];
  const hosts = [...names, ...addresses, "*.example.com", "bücher.example"].join(", ");
  const create = ["certificate", "create", "broker", "--directory", path];
  expect((await tarpan([...create, "--hosts", hosts])).code).toBe(0);
  const made = new X509Certificate(await readFile(join(path, "broker.crt")));
  for (const name of names) expect(made.checkHost(name)).toBe(name);
  for (const address of addresses) expect(made.checkIP(address)).toBe(address);
  expect(made.checkHost("any.example.com")).toBe("*.example.com");
  expect(made.checkHost("xn--bcher-kva.example")).toBe("xn--bcher-kva.example");

  const files = ["-CAfile", join(path, "ca.crt"), join(path, "broker.crt")];
  const strict = ["verify", "-x509_strict", "-purpose", "sslserver", ...files];
  const { error, status, stderr } = spawnSync("openssl", strict);
  if (error) context.skip("there is no openssl here");
  expect([status, String(stderr)]).toEqual([0, ""]);
});

test.each(["a b", "foo/bar", "host:9092", "fe80::1%eth0"])("no host is %j", async (host) => {
  const { code, stderr } = await tarpan(["certificate", "create", "x", "--hosts", host]);
  expect([code, stderr]).toEqual([2, expect.stringContaining("is not the name or address")]);
});

test("certificate create makes an authority, and certificates that it signs", async () => {
  await using directory = await TestDirectory.make();
  const { path } = directory;
  const create = (...args: string[]) =>
    tarpan(["certificate", "create", ...args, "--directory", path]);
  const made = await create("broker", "--hosts", "localhost,127.0.0.1,::1");
  expect(made.code).toBe(0);
  expect((await create("alice")).code).toBe(0);

  const read = async (name: string) => new X509Certificate(await readFile(join(path, name)));
  const [ca, broker, alice] = await Promise.all(["ca.crt", "broker.pem", "alice.crt"].map(read));
  expect(broker!.verify(ca!.publicKey) && alice!.verify(ca!.publicKey)).toBe(true);
  expect(broker!.checkIssued(ca!)).toBe(true);
  expect(broker!.checkHost("localhost")).toBe("localhost");
  expect(broker!.checkIP("127.0.0.1")).toBe("127.0.0.1");
  expect(broker!.checkIP("::1")).toBe("::1");
  expect(alice!.subject).toBe("CN=alice");
  for (const secret of ["ca.key", "broker.key", "broker.pem"]) {
    expect((await stat(join(path, secret))).mode & 0o077).toBe(0);
  }

  const again = await create("broker");
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("file already exists")]);
  expect((await create("ca")).code).not.toBe(0);
  expect((await create("../x")).code).not.toBe(0);
});
