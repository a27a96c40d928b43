import type { TlsSettings } from "../config/tls-settings.ts";
import type { FileSystem } from "../env/env.ts";

/** What the files of a listener contain; null for one that it has not. */
export interface KeyFiles {
  readonly keystore: Buffer | null;
  readonly truststore: Buffer | null;
}

/** Keys or certificates that can't be used; the message names the config and says what to do. */
export class KeyMaterialError extends Error {
  override readonly name = "KeyMaterialError";
}

/** Rejects with KeyMaterialError. */
export async function readKeyFiles(
  { keystore, truststore }: TlsSettings,
  fs: FileSystem,
): Promise<KeyFiles> {
  return {
    keystore: "path" in keystore ? await read(keystore.path, "ssl.keystore.location", fs) : null,
    truststore:
      truststore !== null && "path" in truststore
        ? await read(truststore.path, "ssl.truststore.location", fs)
        : null,
  };
}

export function haveSameContent(one: KeyFiles, other: KeyFiles): boolean {
  return isSame(one.keystore, other.keystore) && isSame(one.truststore, other.truststore);
}

function isSame(one: Buffer | null, other: Buffer | null): boolean {
  return one === null || other === null ? one === other : one.equals(other);
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
