import { createPrivateKey, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { KeystoreError, type KeystoreOptions, readKeystore } from "../src/index.ts";
import { openssl, opensslTest } from "./openssl.ts";
import * as stores from "./stores.ts";

const password = stores.PASSWORD;
const CHAIN = ["CN=broker", "CN=Intermediate CA", "CN=Test CA"];

/** The names in the chain of a store's certificate, which must be that of its key. */
async function chainOf(store: Uint8Array, options: KeystoreOptions = { password }) {
  const { cert, key } = await readKeystore(store, options);
  expect(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))).toBe(true);
  const each = cert.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
  return each.map((one) => new X509Certificate(one).subject);
}

async function refusal(store: Uint8Array, options: KeystoreOptions) {
  const refused = await readKeystore(store, options).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(KeystoreError);
  const { code, message } = refused as KeystoreError;
  return `${code}: ${message}`;
}

async function pem(): Promise<string> {
  const { key, cert } = await readKeystore(stores.java17Keys, { password });
  return key + cert;
}

test("a keystore of Java has its key and the chain of its certificate", async () => {
  expect(await chainOf(stores.java17Keys)).toEqual(CHAIN);
  expect(await chainOf(stores.java8Keys)).toEqual(CHAIN);
  expect(await chainOf(stores.keyAndTrusted)).toEqual(CHAIN);
});

opensslTest("so has one of OpenSSL", async () => {
  const text = await pem();
  for (const options of [
    [],
    ["-legacy"],
    ["-keypbe", "NONE", "-certpbe", "NONE"],
    ["-nomac"],
    ["-descert"],
  ]) {
    expect(await chainOf(openssl(options, text))).toEqual(CHAIN);
  }
});

test("its key may have a password of its own", async () => {
  const store = stores.twoPasswordsKeys;
  expect(await chainOf(store, { password, keyPassword: "changekey" })).toEqual(CHAIN);
  const wrong = "TARPAN_KEYSTORE_KEY_PASSWORD: the password of its key is wrong";
  expect(await refusal(store, { password })).toBe(wrong);
  expect(await refusal(store, { password: "changekey" })).toContain(
    "TARPAN_KEYSTORE_PASSWORD: its",
  );
  expect(await refusal(stores.java17Keys, { password, keyPassword: "other" })).toBe(wrong);
});

test("a store without a key is told", async () => {
  const noKey = "TARPAN_KEYSTORE: it has no private key";
  expect(await refusal(stores.java17Trust, { password })).toBe(noKey);
});

opensslTest("so is one without the certificate of its key", async () => {
  const noCertificate = "TARPAN_KEYSTORE: it has no certificate of its private key";
  expect(await refusal(openssl(["-nocerts"], await pem()), { password })).toBe(noCertificate);
});

test("the keys of a JKS file are not read; the command that converts them is told", async () => {
  expect(await refusal(stores.jksKeys, { password, path: "/etc/broker.jks" })).toBe(
    "TARPAN_KEYSTORE: only Java reads the keys of a JKS file; make a PKCS#12 file of it: keytool " +
      "-importkeystore -srckeystore /etc/broker.jks -destkeystore /etc/broker.jks.p12 " +
      "-deststoretype PKCS12",
  );
});
