import type { FileSystem } from "../env/env.ts";
import { reasonOf } from "../util/os-error.ts";
import { Secret } from "../util/secret.ts";
import { EngineError } from "./engine-error.ts";
import { readText } from "./files.ts";

/** The text of a file without spaces around it. Rejects with TARPAN_CLUSTER_CREDENTIALS. */
export async function readSecretFile(path: string, fs: FileSystem): Promise<Secret> {
  let text: string | null;
  try {
    text = await readText(fs, path);
  } catch (error) {
    throw unusable(`${path} can't be read (${reasonOf(error)})`);
  }
  if (text === null) throw unusable(`there is no file ${path}`);
  if (text.trim() === "") throw unusable(`${path} is empty`);
  return new Secret(text.trim());
}

function unusable(why: string): EngineError {
  return new EngineError("TARPAN_CLUSTER_CREDENTIALS", `credentials between brokers: ${why}`);
}
