import { spawnSync } from "node:child_process";
import { type TestContext, test } from "vitest";
import { PASSWORD } from "./stores.ts";

const { stdout: version } = spawnSync("openssl", ["version"], { encoding: "utf8" });

/** A test that needs the program, with its old ciphers. */
export function opensslTest(name: string, body: () => Promise<void>): void {
  test(name, async (context: TestContext) => {
    if (!version?.startsWith("OpenSSL 3")) context.skip("there is no OpenSSL 3 here");
    await body();
  });
}

/** A PKCS#12 file of what is in `pem`. */
export function openssl(options: readonly string[], pem: string, password = PASSWORD): Buffer {
  const words = ["pkcs12", "-export", "-passout", `pass:${password}`, ...options];
  const { stdout, stderr, error } = spawnSync("openssl", words, { input: pem });
  if (error !== undefined) throw error;
  if (stdout.length === 0) throw new Error(`openssl ${words.join(" ")}: ${stderr}`);
  return stdout;
}
