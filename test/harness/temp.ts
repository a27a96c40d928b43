import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atFileEnd } from "./file-end.ts";

/** A directory that is removed after the tests of the file. */
export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "tarpan-test-"));
  atFileEnd(() => rm(path, { recursive: true, force: true, maxRetries: 10 }));
  return path;
}
