import type { FileSystem } from "../env/env.ts";
import { reasonOf } from "../util/os-error.ts";
import { Secret } from "../util/secret.ts";
import { inUtf8 } from "../util/utf8.ts";
import { EngineError } from "./engine-error.ts";

/** The text of a file without spaces around it. Rejects with TARPAN_CLUSTER_CREDENTIALS. */
export async function readSecretFile(path: string, fs: FileSystem): Promise<Secret> {
  let bytes: Uint8Array | null;
  try {
    bytes = await fs.readFile(path);
  } catch (error) {
    throw unusable(`${path} can't be read (${reasonOf(error)})`);
  }
  if (bytes === null) throw unusable(`there is no file ${path}`);
  const text = inUtf8(bytes);
  if (text === null) throw unusable(`${path} is not a text in UTF-8`);
  if (text.trim() === "") throw unusable(`${path} is empty`);
  return new Secret(text.trim());
}

function unusable(why: string): EngineError {
  return new EngineError("TARPAN_CLUSTER_CREDENTIALS", `credentials between brokers: ${why}`);
}
