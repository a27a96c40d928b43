import { createPrivateKey, type KeyObject, type X509Certificate } from "node:crypto";
import { KeystoreError, unusable } from "./errors.ts";
import { isJks, onlyJavaReads } from "./jks.ts";
import type { CertifiedKey, KeystoreOptions } from "./options.ts";
import { certificateOf } from "./pem.ts";
import { type KeyBag, readPkcs12 } from "./pkcs12.ts";

/** The first key that has a certificate, as OpenSSL takes it. */
export async function certifiedKey(
  bytes: Uint8Array,
  { password, keyPassword, path = "FILE" }: KeystoreOptions,
): Promise<CertifiedKey> {
  if (isJks(bytes)) throw onlyJavaReads("the keys of a JKS file", path);
  const { certificates, keys } = await readPkcs12(bytes, password);
  if (keys.length === 0) throw unusable("it has no private key");
  const all = certificates.map((one) => certificateOf(one.bytes));
  for (const bag of keys) {
    const key = await opened(bag, keyPassword ?? password);
    const own = all.find((certificate) => certificate.checkPrivateKey(key));
    if (own === undefined) continue;
    return {
      cert: chainOf(own, all).map(String).join(""),
      key: key.export({ type: "pkcs8", format: "pem" }).toString(),
    };
  }
  throw unusable("it has no certificate of its private key");
}

async function opened(bag: KeyBag, password: string | undefined): Promise<KeyObject> {
  try {
    return createPrivateKey({
      key: await bag.open(password),
      ...{ format: "der", type: "pkcs8" },
    });
  } catch (error) {
    if (!(error instanceof KeystoreError)) throw unusable("its private key can't be used");
    if (error.code !== "TARPAN_KEYSTORE_PASSWORD") throw error;
    throw new KeystoreError(
      "TARPAN_KEYSTORE_KEY_PASSWORD",
      password === undefined ? "its key needs a password" : "the password of its key is wrong",
    );
  }
}

/** A certificate, the one that signed it, and so on. */
function chainOf(own: X509Certificate, all: readonly X509Certificate[]): X509Certificate[] {
  const chain = [own];
  for (const one of chain) {
    const issuer = all.find((other) => one.checkIssued(other));
    if (issuer !== undefined && !chain.includes(issuer)) chain.push(issuer);
  }
  return chain;
}
