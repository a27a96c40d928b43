import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A directory that is removed when the tests of the file are through. */
export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "tarpan-test-"));
  removed.push(path);
  return path;
}

const removed: string[] = [];

afterAll(async () => {
  await Promise.all(
    removed.map((path) => rm(path, { recursive: true, force: true, maxRetries: 10 })),
  );
});
