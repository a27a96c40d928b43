import { join } from "node:path";
import { crc32c } from "@tarpan/codecs";
import type { File, FileSystem } from "../../env/env.ts";
import { TEMPORARY_SUFFIX } from "./file-names.ts";

const MAGIC = 0x54_50_4e_43;
const HEADER_BYTES = 16;

/**
 * Replaces a file atomically: after a crash it holds either the old bytes or the new ones, and
 * always the new ones once this has resolved.
 */
export async function replaceFile(
  fs: FileSystem,
  directory: string,
  name: string,
  parts: readonly Uint8Array[],
): Promise<void> {
  await replaceUnsynced(fs, directory, name, parts, (file) => file.sync());
  await fs.syncDirectory(directory);
}

/** The same without a wait for the disk: a loss of power may leave a file with anything in it. */
export async function replaceUnsynced(
  fs: FileSystem,
  directory: string,
  name: string,
  parts: readonly Uint8Array[],
  beforeRename: (file: File) => Promise<void> = async () => {},
): Promise<void> {
  const temporary = join(directory, name + TEMPORARY_SUFFIX);
  const file = await fs.open(temporary, { create: true });
  try {
    await file.truncate(0);
    await file.write(parts, 0);
    await beforeRename(file);
  } finally {
    await file.close();
  }
  await fs.rename(temporary, join(directory, name));
}

/** Writes `payload` under a header of magic, version, CRC32C and length. */
export function replaceSealed(
  fs: FileSystem,
  directory: string,
  name: string,
  version: number,
  payload: Uint8Array,
): Promise<void> {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, MAGIC);
  view.setUint32(4, version);
  view.setUint32(8, crc32c(payload));
  view.setUint32(12, payload.byteLength);
  return replaceFile(fs, directory, name, [header, payload]);
}

/**
 * The payload of a sealed file, null when there is no file. "damaged" when the header does not
 * match the payload, or has another version.
 */
export async function readSealed(
  fs: FileSystem,
  path: string,
  version: number,
): Promise<Uint8Array | "damaged" | null> {
  const bytes = await fs.readFile(path);
  if (bytes === null) return null;
  if (bytes.byteLength < HEADER_BYTES) return "damaged";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const payload = bytes.subarray(HEADER_BYTES);
  const intact =
    view.getUint32(0) === MAGIC &&
    view.getUint32(4) === version &&
    view.getUint32(12) === payload.byteLength &&
    view.getUint32(8) === crc32c(payload);
  return intact ? payload : "damaged";
}
