// Stores that are damaged, by chance or on purpose: whatever they are, they are refused or read,
// soon, and nothing else waits for them.
import { describe, expect, test } from "vitest";
import { printedSeed, SeededRandom } from "../../../test/harness/random.ts";
import { der, objectId, sequence, tagged, unsigned } from "../../cli/src/certificates/der.ts";
import { KeystoreError, readKeystore, readTruststore } from "../src/index.ts";
import { Iterations } from "../src/iterations.ts";
import { readPkcs12 } from "../src/pkcs12.ts";
import * as stores from "./stores.ts";

const password = stores.PASSWORD;
const SHA256 = "2.16.840.1.101.3.4.2.1";
const DATA = "1.2.840.113549.1.7.1";

function octets(bytes: Uint8Array): Buffer {
  return der(0x04, bytes);
}

function number(value: bigint): Buffer {
  const hex = value.toString(16);
  return unsigned(Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex"));
}

/** A store without contents, with a MAC by so many iterations. */
function hashed(iterations: bigint, salt = Buffer.alloc(8)): Buffer {
  const safe = sequence();
  const content = sequence(objectId(DATA), tagged(0, octets(safe)));
  const digest = sequence(sequence(objectId(SHA256)), octets(Buffer.alloc(32)));
  return sequence(number(3n), content, sequence(digest, octets(salt), number(iterations)));
}

describe("a store that asks for too much work", () => {
  test.each([0n, 5_000_001n, 2n ** 31n, 2n ** 40n, 2n ** 63n, 2n ** 200n])(
    "%d iterations are refused before the first one",
    async (iterations) => {
      const reading = readTruststore(hashed(iterations), { password });
      const refused = await reading.catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "TARPAN_KEYSTORE" });
      expect((refused as Error).message).toMatch(/hashed (0 times|more than 5,000,000)|too large/);
    },
  );

  test("the iterations of all its parts count", async () => {
    const one = new Iterations(30_000);
    await expect(readPkcs12(stores.java17Trust, password, one)).resolves.toBeDefined();
    await expect(readPkcs12(stores.java17Trust, password, one)).rejects.toThrow(
      "no keystore needs",
    );
  });

  test("while it is read, the process does other work", async () => {
    let turns = 0;
    let isDone = false;
    const count = () => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const reading = readTruststore(hashed(100_000n), { password });
    await expect(reading).rejects.toThrow("its password is wrong");
    isDone = true;
    expect(turns).toBeGreaterThan(90);
  });
});

describe("damaged stores", () => {
  test.each([
    ["30 84 ff ff ff ff 02 01 03", "its end is missing"],
    ["30 88 00 00 00 00 00 00 00 03 02 01 03", "a length in it is too large"],
    ["30 03 02 01 03", "its structure is not known"],
    ["30 03 02 01 07", "its version is not 3"],
    ["30 80 02 01 03", "its end is missing"],
    ["04 80 00 00", "a length in it is missing"],
    ["1f 01 00", "its structure is not known"],
  ])("%s", async (hex, message) => {
    const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
    await expect(readTruststore(bytes, { password })).rejects.toThrow(message);
  });

  test("values in values, without an end", async () => {
    const deep = Buffer.alloc(1_000_000, Buffer.of(0x30, 0x80));
    await expect(readTruststore(deep, { password })).rejects.toThrow("structure is not known");
    const chain = Buffer.from(stores.jksKeys);
    // As many certificates as there can't be.
    const at = chain.indexOf("X.509") - 6;
    chain.writeUInt32BE(0xffff_ffff, at);
    await expect(readTruststore(chain, { password })).rejects.toThrow("damaged JKS");
  });

  const isLong = process.env.TARPAN_CHAOS === "1";
  test("stores that are changed at random are read or refused", async () => {
    const random = new SeededRandom(printedSeed("damaged stores"));
    // Those with few iterations, so that there is time for many.
    const { unencryptedTrust, java8Trust, java8Keys, jksTrust, jksKeys } = stores;
    const all = [unencryptedTrust, java8Trust, java8Keys, jksTrust, jksKeys];
    for (let round = 0; round < (isLong ? 20_000 : 400); round++) {
      const store = random.chance(0.1) ? garbage(random) : changed(random.pick(all), random);
      const options = random.chance(0.9) ? { password } : {};
      await readOrRefused(() => readTruststore(store, options));
      if (round % 4 === 0) await readOrRefused(() => readKeystore(store, options));
    }
  }, 500_000);
});

async function readOrRefused(read: () => Promise<unknown>): Promise<void> {
  await read().catch((error: unknown) => expect(error).toBeInstanceOf(KeystoreError));
}

/** Bytes at random, which may begin as a store does. */
function garbage(random: SeededRandom): Buffer {
  const start = random.pick(["", "3082", "3080020103", "feedfeed00000002", "308004"]);
  return Buffer.concat([Buffer.from(start, "hex"), random.bytes(random.below(300))]);
}

/** Cut, or with some bytes that are others, gone, or new. Lengths are near the beginning. */
function changed(store: Buffer, random: SeededRandom): Buffer {
  if (random.chance(0.1)) return store.subarray(0, random.below(store.length));
  let bytes = Buffer.from(store);
  for (let times = 1 + random.below(4); times > 0; times--) {
    const at = random.below(random.chance(0.5) ? Math.min(80, bytes.length) : bytes.length);
    const kind = random.below(3);
    const middle = kind === 0 ? [] : random.bytes(1 + random.below(3));
    const skip = kind === 2 ? 0 : Math.max(1, middle.length);
    bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(middle), bytes.subarray(at + skip)]);
  }
  return bytes;
}
