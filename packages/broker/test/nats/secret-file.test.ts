import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../../test/harness/temp.ts";
import { nodeEnv } from "../../src/env/node-env.ts";
import { readSecretFile } from "../../src/nats/secret-file.ts";

async function read(bytes: Uint8Array | string): Promise<string> {
  const path = join(await temporaryDirectory(), "password");
  await writeFile(path, bytes);
  return (await readSecretFile(path, nodeEnv.fs)).reveal();
}

test("a password is a text in UTF-8, without what Windows and editors add", async () => {
  expect(await read("geheim-ü\r\n")).toBe("geheim-ü");
  expect(await read("\ufeffgeheim\n")).toBe("geheim");
  // All such bytes would become the same character, and different passwords the same one.
  await expect(read(Buffer.from("geheim", "utf16le").fill(0xff, 0, 2))).rejects.toThrow("UTF-8");
  await expect(read(Uint8Array.of(0x80, 0x81))).rejects.toThrow("is not a text in UTF-8");
  await expect(read(" \n")).rejects.toThrow("is empty");
});
