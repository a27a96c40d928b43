import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { run } from "./harness/run.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Packed {
  readonly name: string;
  readonly files: readonly { readonly path: string }[];
}

it("every package is packed with what a user looks for, and without what nobody needs", async () => {
  const args = ["pack", "--workspaces", "--dry-run", "--json"];
  const { stdout } = await run("npm", args, { cwd: root });
  const packed: Packed[] = Object.values(JSON.parse(stdout));
  expect(packed.map(({ name }) => name).sort()).toEqual([
    ...["broker", "client", "codecs", "protocol"].map((name) => `@tarpan/${name}`),
    "tarpan",
  ]);
  for (const { name, files } of packed) {
    const paths = files.map(({ path }) => path);
    expect(paths, name).toEqual(expect.arrayContaining(["README.md", "LICENSE", "dist/index.js"]));
    expect(paths.filter((path) => /tsbuildinfo|\.test\./.test(path))).toEqual([]);
    const folder = `${root}/packages/${name === "tarpan" ? "cli" : name.split("/")[1]}`;
    const { keywords, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    expect([license, keywords.length > 0]).toEqual(["MIT", true]);
    const text = (path: string) => readFileSync(path, "utf8");
    expect(text(`${folder}/LICENSE`)).toBe(text(`${root}/LICENSE`));
  }
}, 60_000);
