import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TestDirectory } from "../../broker/test/tls/certificates.ts";
import { tarpan } from "./run-command.ts";

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
