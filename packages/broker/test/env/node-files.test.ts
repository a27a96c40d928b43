import { execFileSync } from "node:child_process";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../../test/harness/temp.ts";
import { nodeEnv } from "../../src/env/node-env.ts";

test("others than the broker's user can't look into its directories", async () => {
  const outer = join(await temporaryDirectory(), "data");
  await nodeEnv.fs.makeDirectory(join(outer, "__cluster_metadata-0"));
  for (const path of [outer, join(outer, "__cluster_metadata-0")])
    expect((await stat(path)).mode & 0o777).toBe(0o700);
});

test("a named pipe is refused at once", async (context) => {
  if (process.platform === "win32") context.skip("Windows has no such files");
  const path = join(await temporaryDirectory(), "pipe");
  execFileSync("mkfifo", [path]);
  await expect(nodeEnv.fs.readFile(path)).rejects.toThrow("ESPIPE");
});
