import { createPrivateKey, X509Certificate } from "node:crypto";
import type { ClusterTls } from "../config/settings.ts";
import type { FileSystem } from "../env/env.ts";
import { reasonOf } from "../util/os-error.ts";
import { certificateBlocks, type Validity, validityOf } from "../util/validity.ts";
import { EngineError } from "./engine-error.ts";
import { readText } from "./files.ts";

/** Files that are good for TLS between brokers. */
export interface CheckedCertificates {
  /** Changes with the content of the files. */
  readonly fingerprint: string;
  /** The broker's certificate, and those it comes with. */
  readonly chain: readonly Validity[];
  readonly authorities: readonly Validity[];
}

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/**
 * Finds what would make the other brokers refuse this one, except that a certificate has expired.
 * Rejects with EngineError TARPAN_CLUSTER_CERTIFICATE, which names the file.
 */
export async function checkCertificates(
  { certFile, keyFile, caFile }: ClusterTls,
  raftHost: string,
  fs: FileSystem,
): Promise<CheckedCertificates> {
  const [chainText, keyText, caText] = await Promise.all(
    [certFile, keyFile, caFile].map((path) => textOf(path, fs)),
  );
  const chain = certificatesIn(chainText!, certFile);
  const authorities = certificatesIn(caText!, caFile);
  const own = chain[0]!;
  if (!own.checkPrivateKey(privateKey(keyText!, keyFile)))
    throw unusable(keyFile, `is not the key of the certificate in ${certFile}`);
  if (!isSigned(own, chain.slice(1), authorities))
    throw unusable(certFile, `was not signed by an authority in ${caFile}`);
  if (own.checkHost(raftHost) === undefined && own.checkIP(raftHost) === undefined)
    throw unusable(certFile, `is not for ${raftHost}, the host of raft_addr: make one that is`);
  const uses: readonly string[] | undefined = own.keyUsage;
  if (uses !== undefined && !(uses.includes(SERVER_AUTH) && uses.includes(CLIENT_AUTH)))
    throw unusable(
      certFile,
      "must be for servers and for clients (extendedKeyUsage serverAuth, clientAuth): brokers " +
        "connect to each other in both directions",
    );
  return {
    fingerprint: [chainText, keyText, caText].join("\n"),
    chain: chain.map(validityOf),
    authorities: authorities.map(validityOf),
  };
}

/** Whether an authority signed it, directly or through the certificates that follow it. */
function isSigned(
  own: X509Certificate,
  between: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
): boolean {
  const signs = (by: X509Certificate) => own.checkIssued(by) && own.verify(by.publicKey);
  if (authorities.some(signs)) return true;
  return between.some(
    (one) =>
      signs(one) &&
      isSigned(
        one,
        between.filter((other) => other !== one),
        authorities,
      ),
  );
}

async function textOf(path: string, fs: FileSystem): Promise<string> {
  let text: string | null;
  try {
    text = await readText(fs, path);
  } catch (error) {
    throw unusable(path, `can't be read (${reasonOf(error)})`);
  }
  if (text === null) throw unusable(path, "does not exist");
  return text;
}

function certificatesIn(text: string, path: string): X509Certificate[] {
  const blocks = certificateBlocks(text);
  if (blocks.length === 0) throw unusable(path, 'has no "-----BEGIN CERTIFICATE-----"');
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw unusable(path, `has a certificate that can't be read: number ${index + 1}`);
    }
  });
}

function privateKey(text: string, path: string) {
  if (/ENCRYPTED/.test(text))
    throw unusable(path, "has a password, which nats-server can't ask for: store it without one");
  try {
    return createPrivateKey(text);
  } catch {
    throw unusable(path, "is no private key in PEM");
  }
}

function unusable(path: string, why: string): EngineError {
  return new EngineError(
    "TARPAN_CLUSTER_CERTIFICATE",
    `certificate between brokers: ${path} ${why}`,
  );
}
