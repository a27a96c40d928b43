import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

const listed = execFileSync(
  "git",
  ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
  { cwd: root, encoding: "utf8" },
);

/** Every file that is or would be committed. */
export const paths = listed
  .split("\0")
  .filter((path) => path !== "" && existsSync(join(root, path)));

export const textOf: ReadonlyMap<string, string> = new Map(
  paths
    .filter((path) => /\.(ts|mjs|js|json|md|py|go|java|yaml|yml|xml)$|\.ci\/run$/.test(path))
    .map((path) => [path, readFileSync(join(root, path), "utf8")] as const),
);

export const sources = [...textOf.keys()].filter((path) => /\.(ts|mjs)$/.test(path));

/** `path:line` of every line for which `wrong` is true. */
export function lines(
  among: readonly string[],
  wrong: (line: string, path: string) => boolean,
): string[] {
  return among.flatMap((path) =>
    textOf
      .get(path)!
      .split("\n")
      .flatMap((line, index) => (wrong(line, path) ? [`${path}:${index + 1}`] : [])),
  );
}
