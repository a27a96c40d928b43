import { join } from "node:path";
import type { FileSystem } from "../../env/env.ts";
import { LogError } from "../log-error.ts";
import { PARTITION_METADATA_FILE } from "./file-names.ts";
import { replaceFile } from "./sealed-file.ts";

/** Writes Kafka's `partition.metadata`, version 0. */
export function writeTopicId(fs: FileSystem, directory: string, topicId: string): Promise<void> {
  const text = `version: 0\ntopic_id: ${topicId}`;
  return replaceFile(fs, directory, PARTITION_METADATA_FILE, [new TextEncoder().encode(text)]);
}

/** Null when there is no such file. Rejects with LogError `corrupt` when it cannot be parsed. */
export async function readTopicId(fs: FileSystem, directory: string): Promise<string | null> {
  const path = join(directory, PARTITION_METADATA_FILE);
  const bytes = await fs.readFile(path);
  if (bytes === null) return null;
  const text = new TextDecoder().decode(bytes);
  const match = /^version: 0\r?\ntopic_id: ([A-Za-z0-9_-]+)\s*$/.exec(text);
  if (!match) throw new LogError("corrupt", `${path} is damaged, or of an unsupported version`);
  return match[1]!;
}
