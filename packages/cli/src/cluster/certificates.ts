// TLS between the brokers of `tarpan cluster up`: an authority and a certificate for each, made
// anew at each start. The authority's key is kept nowhere: nobody can make another certificate.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newAuthority, newCertificate } from "../certificates/x509.ts";
import { CommandError } from "../terminal/failures.ts";
import { osReason } from "../terminal/os-reason.ts";

const YEAR_MS = 365 * 86_400_000;
/** They end with the cluster, which nobody has to stop before that. */
const VALID_MS = 10 * YEAR_MS;
const EARLIER_MS = 3_600_000;

/** The flags by which broker `nodeId` finds its files. */
export function certificateFlags(dataDirectory: string, nodeId: number): readonly string[] {
  const at = (name: string) => join(directoryIn(dataDirectory), name);
  return [
    ...["--cluster-tls-cert-file", at(`broker-${nodeId}.crt`)],
    ...["--cluster-tls-key-file", at(`broker-${nodeId}.key`)],
    ...["--cluster-tls-ca-file", at("ca.crt")],
  ];
}

/** Replaces those of the last start. Rejects with CommandError. */
export async function writeCertificates(
  dataDirectory: string,
  brokers: readonly { readonly nodeId: number; readonly raftHost: string }[],
): Promise<void> {
  const directory = directoryIn(dataDirectory);
  const nowMs = Date.now();
  const validity = { fromMs: nowMs - EARLIER_MS, untilMs: nowMs + VALID_MS };
  const authority = newAuthority("Tarpan cluster on this machine", validity);
  const write = (name: string, text: string) =>
    writeFile(join(directory, name), text, { mode: 0o600 });
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await write("ca.crt", authority.certificate);
    for (const { nodeId, raftHost } of brokers) {
      const name = `broker-${nodeId}`;
      const issued = newCertificate({ name, hosts: [raftHost], authority, ...validity });
      await write(`${name}.key`, issued.key);
      await write(`${name}.crt`, issued.certificate);
    }
  } catch (error) {
    throw new CommandError(`${directory}: ${osReason(error)}`, { cause: error });
  }
}

function directoryIn(dataDirectory: string): string {
  return join(dataDirectory, "certificates");
}
