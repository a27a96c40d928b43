// The key and trust stores of a client.properties, in PEM, PKCS#12 or JKS.
import { isPem, KeystoreError, readKeystore, readTruststore } from "@tarpan/keystores";
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
  const password = properties.text("ssl.truststore.password");
  return ofStore(properties, "ssl.truststore", readTruststore(bytes, { password, path }));
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
  const password = properties.text("ssl.keystore.password") ?? keyPassword;
  return ofStore(properties, "ssl.keystore", readKeystore(bytes, { password, keyPassword, path }));
}

/** Rejects with CommandError, which names the property that is wrong. */
async function ofStore<T>(
  properties: PropertiesFile,
  name: string,
  reading: Promise<T>,
): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof KeystoreError)) throw error;
    throw properties.wrong(`${name}.location`, error.textFor(name));
  }
}

function passphrase(password: string | undefined) {
  return password === undefined ? {} : { passphrase: password };
}
