import { X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import type { Keystore, TlsSettings, Truststore } from "../config/tls-settings.ts";
import type { FileSystem } from "../env/env.ts";
import { certificateBlocks, type Validity, validityOf } from "../util/validity.ts";

/** The keys and certificates of a listener, as Node takes them. */
export interface KeyMaterial {
  readonly options: SecureContextOptions;
  /** Changes with the content of the files. */
  readonly fingerprint: string;
  /** The broker's certificate, and what comes with it; empty if it is not known. */
  readonly chain: readonly Validity[];
  /** Of the truststore. */
  readonly authorities: readonly Validity[];
}

/** Keys or certificates that can't be used; the message names the config and says what to do. */
export class KeyMaterialError extends Error {
  override readonly name = "KeyMaterialError";
}

/** Rejects with KeyMaterialError. */
export async function readKeyMaterial(settings: TlsSettings, fs: FileSystem): Promise<KeyMaterial> {
  const own = await keystoreOptions(settings.keystore, fs);
  const trust = settings.truststore && (await trusted(settings.truststore, fs));
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
  const parts = [own.cert, own.key, own.pfx, trust].map((part) => part?.toString("base64") ?? "");
  const [chain, authorities] = [own.cert, trust].map((text) => validities(text ?? null));
  return { options, fingerprint: parts.join(" "), chain: chain!, authorities: authorities! };
}

function validities(pemText: Buffer | null): Validity[] {
  return certificateBlocks(pemText?.toString() ?? "").flatMap((block) => {
    try {
      return [validityOf(new X509Certificate(block))];
    } catch {
      // OpenSSL has taken it, or skipped it.
      return [];
    }
  });
}

interface Own {
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly pfx?: Buffer;
  readonly passphrase?: string;
}

async function keystoreOptions(keystore: Keystore, fs: FileSystem): Promise<Own> {
  const passphrase = keystore.password === null ? {} : { passphrase: keystore.password.reveal() };
  if (!("path" in keystore)) {
    const cert = pem(keystore.chain, "ssl.keystore.certificate.chain");
    return { cert, key: pem(keystore.key.reveal(), "ssl.keystore.key"), ...passphrase };
  }
  const { path, type } = keystore;
  const bytes = await read(path, "ssl.keystore.location", fs);
  if (isJks(bytes)) throw jks(path);
  if (type === "PEM" || isPem(bytes)) {
    const both = pem(bytes.toString("latin1"), path);
    return { cert: both, key: both, ...passphrase };
  }
  return { pfx: bytes, ...passphrase };
}

async function trusted(truststore: Truststore, fs: FileSystem): Promise<Buffer> {
  if (!("path" in truststore)) {
    return certificates(truststore.certificates, "ssl.truststore.certificates");
  }
  const { path } = truststore;
  const bytes = await read(path, "ssl.truststore.location", fs);
  if (isJks(bytes)) throw jks(path);
  if (isPem(bytes)) return certificates(bytes.toString("latin1"), path);
  throw new KeyMaterialError(
    `ssl.truststore.location: ${path} is not PEM: convert it with ` +
      `"openssl pkcs12 -in ${path} -nokeys -out truststore.pem" and set ssl.truststore.type=PEM`,
  );
}

/** OpenSSL skips what it can't read, and would then trust nobody. */
function certificates(text: string, where: string): Buffer {
  const all = pem(text, where);
  const blocks = certificateBlocks(all.toString());
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

async function read(path: string, config: string, fs: FileSystem): Promise<Buffer> {
  let bytes: Uint8Array | null;
  try {
    bytes = await fs.readFile(path);
  } catch (error) {
    const { code = "unknown error" } = error as { code?: string };
    throw new KeyMaterialError(`${config}: ${path} can't be read (${code})`);
  }
  if (bytes === null) throw new KeyMaterialError(`${config}: there is no file ${path}`);
  return Buffer.from(bytes);
}

function isPem(bytes: Buffer): boolean {
  return bytes.includes("-----BEGIN ");
}

const JKS_MAGIC = 0xfeedfeed;

function isJks(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUInt32BE() === JKS_MAGIC;
}

function jks(path: string): KeyMaterialError {
  const to = "keystore.p12 -deststoretype PKCS12";
  return new KeyMaterialError(
    `${path} is a JKS file, which only Java reads: convert it with ` +
      `"keytool -importkeystore -srckeystore ${path} -destkeystore ${to}"`,
  );
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END \1-----/g;

/** The blocks of a PEM text, which may have spaces for line breaks, as a properties file has. */
function pem(text: string, where: string): Buffer {
  const blocks = [...text.matchAll(BLOCK)].map(([, label, body]) => {
    const lines = body!.replace(/\s+/g, "").match(/.{1,64}/g) ?? [];
    return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
  });
  if (blocks.length > 0) return Buffer.from(blocks.join(""));
  throw new KeyMaterialError(`${where} has nothing in PEM: "-----BEGIN CERTIFICATE-----" …`);
}
