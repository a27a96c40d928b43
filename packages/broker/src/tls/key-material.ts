import { X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { isPem, KeystoreError, readKeystore, readTruststore } from "@tarpan/keystores";
import type { Keystore, TlsSettings, Truststore } from "../config/tls-settings.ts";
import { type Validity, validityOf } from "../util/validity.ts";
import { type KeyFiles, KeyMaterialError } from "./key-files.ts";
import { certificatesIn, pem } from "./pem.ts";

/** The keys and certificates of a listener, as Node takes them. */
export interface KeyMaterial {
  readonly options: SecureContextOptions;
  /** What they were read from. */
  readonly files: KeyFiles;
  /** The broker's certificate, and what comes with it; empty if it is not known. */
  readonly chain: readonly Validity[];
  /** Of the truststore. */
  readonly authorities: readonly Validity[];
  /** What an operator may have overlooked; null if there is nothing. */
  readonly warning: string | null;
}

/** Rejects with KeyMaterialError. */
export async function keyMaterialOf(settings: TlsSettings, files: KeyFiles): Promise<KeyMaterial> {
  const own = await keystoreOptions(settings.keystore, files.keystore);
  const trust = settings.truststore && (await trusted(settings.truststore, files.truststore));
  const { minVersion, maxVersion, ciphers } = settings;
  const options: SecureContextOptions = {
    ...{ minVersion, maxVersion, honorCipherOrder: true },
    ...own,
    ...(trust !== null && { ca: trust }),
    ...(ciphers !== null && { ciphers }),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    const reason = (error as Error).message.replace(/^error:[^:]*:[^:]*:[^:]*:/, "");
    const { keystore } = settings;
    const what = "path" in keystore ? keystore.path : "ssl.keystore.key";
    throw new KeyMaterialError(`${what}: its key and certificates can't be used: ${reason}`);
  }
  const [chain, authorities] = [validities(own.cert), trust === null ? [] : validities(trust)];
  return { options, files, chain, authorities, warning: trust && unrooted(trust) };
}

function validities(blocks: Buffer): Validity[] {
  return certificatesIn(blocks).flatMap((block) => {
    try {
      return [validityOf(new X509Certificate(block))];
    } catch {
      // OpenSSL has taken it, or skipped it.
      return [];
    }
  });
}

interface Own {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly passphrase?: string;
}

async function keystoreOptions(keystore: Keystore, file: Buffer | null): Promise<Own> {
  const keyPassword = keystore.keyPassword?.reveal();
  const passphrase = keyPassword === undefined ? {} : { passphrase: keyPassword };
  if (!("path" in keystore)) {
    const cert = pem(keystore.chain, "ssl.keystore.certificate.chain");
    return { cert, key: pem(keystore.key.reveal(), "ssl.keystore.key"), ...passphrase };
  }
  const { path, type } = keystore;
  if (type === "PEM" || isPem(file!)) {
    const both = pem(file!.toString("latin1"), path);
    return { cert: both, key: both, ...passphrase };
  }
  const password = keystore.password?.reveal();
  const reading = readKeystore(file!, { password, keyPassword, path });
  const { cert, key } = await ofStore(reading, "ssl.keystore", path);
  return { cert: Buffer.from(cert), key: Buffer.from(key) };
}

async function trusted(truststore: Truststore, file: Buffer | null): Promise<Buffer> {
  if (!("path" in truststore)) {
    return certificates(truststore.certificates, "ssl.truststore.certificates");
  }
  const { path, type } = truststore;
  if (type === "PEM" || isPem(file!)) return certificates(file!.toString("latin1"), path);
  const password = truststore.password?.reveal();
  const reading = readTruststore(file!, { password, path });
  return Buffer.from(await ofStore(reading, "ssl.truststore", path));
}

/** Rejects with KeyMaterialError, which names the config that is wrong. */
async function ofStore<T>(reading: Promise<T>, config: string, path: string): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof KeystoreError)) throw error;
    throw new KeyMaterialError(`${config}.location: ${path} ${error.textFor(config)}`);
  }
}

/** OpenSSL skips what it can't read, and would then trust nobody. */
function certificates(text: string, where: string): Buffer {
  const all = pem(text, where);
  const blocks = certificatesIn(all);
  if (blocks.length === 0) throw new KeyMaterialError(`${where} has no certificate`);
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch {
      throw new KeyMaterialError(`${where}: its certificate ${index + 1} can't be read`);
    }
  }
  return all;
}

/**
 * Java trusts whatever a truststore has. OpenSSL goes on to a certificate that has signed itself,
 * and a server of Node can't have it stop before.
 */
function unrooted(trust: Buffer): string | null {
  const all = certificatesIn(trust).map((block) => new X509Certificate(block));
  const subjects = new Set(all.map(({ subject }) => subject));
  const [first, ...others] = all.filter(({ issuer }) => !subjects.has(issuer));
  if (first === undefined) return null;
  const [name, signer] = [first.subject, first.issuer].map((text) => text.replaceAll("\n", ", "));
  const more = others.length === 0 ? "" : ` (and ${others.length} more like it)`;
  return (
    `its truststore has ${name}, but not ${signer}, which signed it${more}: ` +
    "clients that need it are refused"
  );
}
