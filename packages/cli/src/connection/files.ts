import { readFile } from "node:fs/promises";
import { CommandError } from "../terminal/failures.ts";
import { osReason } from "../terminal/os-reason.ts";

/** Rejects with CommandError, which says by what the file was named. */
export async function fileBytes(path: string, label: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new CommandError(`${label}: ${path} can't be read: ${osReason(error)}`);
  }
}

export async function fileText(path: string, label: string): Promise<string> {
  return (await fileBytes(path, label)).toString();
}
