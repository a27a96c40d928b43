import type { FileSystem } from "../env/env.ts";

/** Replaces the content of a file; durable once the caller has synced its directory. */
export async function writeText(
  fs: FileSystem,
  path: string,
  text: string,
  options: { secret?: boolean } = {},
): Promise<void> {
  const temporary = `${path}.tmp`;
  await fs.remove(temporary);
  const file = await fs.open(temporary, { create: true, exclusive: true, ...options });
  try {
    await file.write([new TextEncoder().encode(text)], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await fs.rename(temporary, path);
}

/** Null if there is no such file. */
export async function readText(fs: FileSystem, path: string): Promise<string | null> {
  const bytes = await fs.readFile(path);
  return bytes && new TextDecoder().decode(bytes);
}

/** The last bytes of a file that may be large; empty if there is no such file. */
export async function tailOf(fs: FileSystem, path: string, maxBytes: number): Promise<string> {
  if ((await fs.stat(path)) === null) return "";
  const file = await fs.open(path, { readOnly: true });
  try {
    const sizeBytes = await file.sizeBytes();
    const tail = new Uint8Array(Math.min(maxBytes, sizeBytes));
    const count = await file.read(tail, sizeBytes - tail.byteLength);
    return new TextDecoder().decode(tail.subarray(0, count));
  } finally {
    await file.close();
  }
}
