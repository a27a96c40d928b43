// The key and trust stores of a client.properties, in PEM or PKCS#12.
import { fileBytes } from "./files.ts";
import type { PropertiesFile } from "./properties-file.ts";
import type { Source } from "./source.ts";

/** The authorities to trust, in PEM. */
export async function trustedBy(properties: PropertiesFile): Promise<string | undefined> {
  const texts = properties.text("ssl.truststore.certificates");
  const name = "ssl.truststore.location";
  const path = properties.file(name);
  if (path === undefined) return texts;
  if (texts !== undefined) {
    throw properties.wrong(name, "is set, and ssl.truststore.certificates, too: leave one out");
  }
  const bytes = await fileBytes(path, properties.label(name));
  if (isPem(bytes)) return bytes.toString();
  const pem = path.replace(/\.\w+$/, "") || path;
  const convert = isJks(bytes)
    ? `keytool -exportcert -rfc -keystore ${path} -alias ALIAS > ${pem}.pem`
    : `openssl pkcs12 -nokeys -in ${path} -out ${pem}.pem`;
  throw properties.wrong(name, `must be a file in PEM; to make one of it: ${convert}`);
}

/** The client's own certificate and key. */
export async function identityOf(properties: PropertiesFile): Promise<Source["identity"]> {
  const name = "ssl.keystore.location";
  const path = properties.file(name);
  const cert = properties.text("ssl.keystore.certificate.chain");
  const key = properties.text("ssl.keystore.key");
  const keyPassword = properties.text("ssl.key.password");
  if (path === undefined) {
    if (cert === undefined && key === undefined) return undefined;
    if (cert !== undefined && key !== undefined) return { cert, key, ...passphrase(keyPassword) };
    const missing = cert === undefined ? "ssl.keystore.certificate.chain" : "ssl.keystore.key";
    throw properties.wrong(missing, "is missing");
  }
  if (cert !== undefined || key !== undefined) {
    throw properties.wrong(name, "is set, and ssl.keystore.key, too: leave one out");
  }
  const bytes = await fileBytes(path, properties.label(name));
  if (isPem(bytes)) {
    const pem = bytes.toString();
    return { cert: pem, key: pem, ...passphrase(keyPassword) };
  }
  if (isJks(bytes)) {
    const to = `-destkeystore ${path.replace(/\.\w+$/, "")}.p12 -deststoretype PKCS12`;
    const convert = `keytool -importkeystore -srckeystore ${path} ${to}`;
    throw properties.wrong(name, `must be PEM or PKCS#12; to make one of it: ${convert}`);
  }
  const password = properties.text("ssl.keystore.password");
  return { pfx: bytes, ...passphrase(password ?? keyPassword) };
}

function passphrase(password: string | undefined) {
  return password === undefined ? {} : { passphrase: password };
}

function isPem(bytes: Buffer): boolean {
  return bytes.includes("-----BEGIN ");
}

const JKS_MAGIC = 0xfeedfeed;

function isJks(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUInt32BE() === JKS_MAGIC;
}
