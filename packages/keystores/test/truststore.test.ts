import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { sequence } from "../../cli/src/certificates/der.ts";
import { oneValue, partsOf } from "../src/der.ts";
import { KeystoreError, readKeystore, readTruststore } from "../src/index.ts";
import { openssl, opensslTest } from "./openssl.ts";
import * as stores from "./stores.ts";
import { inPiecesWithoutLengths } from "./without-lengths.ts";

const { PASSWORD } = stores;
const BOTH = ["CN=Test CA", "CN=Other CA"];

/** The names of those whom a store trusts, in its order. */
async function trustedBy(store: Uint8Array, password: string | undefined = PASSWORD) {
  const pem = await readTruststore(store, { password, path: "trust.jks" });
  const each = pem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
  return each.map((one) => new X509Certificate(one).subject);
}

async function refusal(store: Uint8Array, password?: string) {
  const refused = await readTruststore(store, { password, path: "trust.jks" }).catch((e) => e);
  expect(refused).toBeInstanceOf(KeystoreError);
  const { code, message } = refused as KeystoreError;
  return `${code}: ${message}`;
}

test("a store that keytool has made trusts what was imported", async () => {
  const { java17Trust, java8Trust, unencryptedTrust, jksTrust } = stores;
  for (const store of [java17Trust, java8Trust, unencryptedTrust, jksTrust]) {
    expect((await trustedBy(store)).sort()).toEqual([...BOTH].sort());
  }
});

test("as in Java, the certificate of a key is trusted, and those who signed it are not", async () => {
  for (const store of [stores.java17Keys, stores.java8Keys, stores.jksKeys]) {
    expect(await trustedBy(store)).toEqual(["CN=broker"]);
  }
  expect((await trustedBy(stores.keyAndTrusted)).sort()).toEqual(["CN=Other CA", "CN=broker"]);
});

for (const options of [
  [],
  ["-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"],
  ["-certpbe", "AES-128-CBC", "-macalg", "sha384"],
  ["-certpbe", "AES-192-CBC", "-macalg", "sha512"],
  ["-certpbe", "NONE"],
  ["-certpbe", "NONE", "-nomac"],
  ["-legacy", "-certpbe", "PBE-SHA1-RC2-40"],
  ["-legacy", "-certpbe", "PBE-SHA1-RC2-128", "-macalg", "sha224"],
]) {
  opensslTest(`OpenSSL marks none as trusted, and all are: ${options.join(" ")}`, async () => {
    expect(await trustedBy(openssl(["-nokeys", ...options], await pemOfBoth()))).toEqual(BOTH);
  });
}

opensslTest("a password may be empty, or have any characters", async () => {
  const pem = await pemOfBoth();
  for (const [password, given] of [
    ["", ""],
    ["", undefined],
    ["pä😀ß", "pä😀ß"],
  ] as const) {
    for (const cipher of ["AES-256-CBC", "PBE-SHA1-3DES"]) {
      const store = openssl(["-nokeys", "-certpbe", cipher], pem, password);
      expect(await readTruststore(store, { password: given })).toBe(pem);
    }
  }
});

test("values without lengths and in pieces are read, as NSS and others write them", async () => {
  for (const store of [stores.java17Trust, stores.java8Trust, stores.unencryptedTrust]) {
    const other = inPiecesWithoutLengths(store);
    expect(other.length).toBeGreaterThan(store.length);
    expect((await trustedBy(other)).sort()).toEqual([...BOTH].sort());
  }
});

test("what is not encrypted is read without a password, and then not checked, as in Java", async () => {
  const options = { path: "trust.jks" };
  for (const store of [stores.jksTrust, stores.unencryptedTrust]) {
    expect(await readTruststore(store, options)).toContain("BEGIN CERTIFICATE");
  }
});

const WRONG = "TARPAN_KEYSTORE_PASSWORD: its password is wrong, or the file was changed";
const MISSING = "TARPAN_KEYSTORE_PASSWORD: it needs a password";

test("a wrong or missing password is told", async () => {
  for (const store of [stores.java17Trust, stores.java8Trust, stores.jksTrust]) {
    expect(await refusal(store, "Changeit")).toBe(WRONG);
    expect(await refusal(store, "")).toBe(WRONG);
  }
  for (const store of [stores.java17Trust, stores.java8Trust]) {
    expect(await refusal(store)).toBe(MISSING);
    const [version, content] = partsOf(oneValue(store));
    const withoutMac = sequence(version!.whole, content!.whole);
    expect((await trustedBy(withoutMac)).sort()).toEqual([...BOTH].sort());
    expect(await refusal(withoutMac, "Changeit")).toBe(WRONG);
    expect(await refusal(withoutMac)).toBe(MISSING);
  }
});

test("a damaged store, and one that only Java reads, are told", async () => {
  const short = (store: Buffer) => store.subarray(0, store.length - 30);
  expect(await refusal(short(stores.java17Trust), PASSWORD)).toContain("its end is missing");
  expect(await refusal(short(stores.jksTrust), PASSWORD)).toContain("it is a damaged JKS file");
  expect(await refusal(Buffer.alloc(0), PASSWORD)).toContain("it is empty");
  expect(await refusal(Buffer.from("hello, this is a text"), PASSWORD)).toContain(
    "is damaged, or no",
  );
  expect(await refusal(stores.jceksTrust, PASSWORD)).toBe(
    "TARPAN_KEYSTORE: only Java reads a JCEKS file; make a PKCS#12 file of it: keytool " +
      "-importkeystore -srckeystore trust.jks -destkeystore trust.jks.p12 -deststoretype PKCS12",
  );
});

opensslTest("so is one with keys only, or with another cipher", async () => {
  const key = openssl(["-nocerts"], await pemOfKey());
  expect(await refusal(key, PASSWORD)).toContain("it has a private key, and no certificate");
  const unusual = openssl(["-nokeys", "-certpbe", "CAMELLIA-256-CBC"], await pemOfBoth());
  expect(await refusal(unusual, PASSWORD)).toContain("it needs the encryption 1.2.392.200011.61.1");
});

function pemOfBoth(): Promise<string> {
  return readTruststore(stores.unencryptedTrust, {});
}

async function pemOfKey(): Promise<string> {
  const { key, cert } = await readKeystore(stores.java17Keys, { password: PASSWORD });
  return key + cert;
}
