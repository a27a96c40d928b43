import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
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
    ...["broker", "client", "codecs", "keystores", "protocol"].map((name) => `@tarpan/${name}`),
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

const packages = ["broker", "cli", "client", "codecs", "keystores", "protocol"];

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const manifests = packages.map((folder) => {
  const text = readFileSync(`${root}/packages/${folder}/package.json`, "utf8");
  return [folder, JSON.parse(text) as Manifest] as const;
});

it.each(manifests)(
  "every entry of %s leads to one source and what is built of it",
  (folder, of) => {
    for (const conditions of Object.values(of.exports)) {
      const source = conditions["tarpan-source"]!;
      expect(readFileSync(`${root}/packages/${folder}/${source}`, "utf8")).not.toBe("");
      const built = source.replace("./src/", "./dist/").replace(/\.ts$/, "");
      // Types come before the default: the first condition that applies is taken.
      expect(Object.entries(conditions).slice(1)).toEqual([
        ["types", `${built}.d.ts`],
        ["default", `${built}.js`],
      ]);
    }
  },
);

it("a broker's public face is the broker, and not how it is configured", async () => {
  const names = ["Broker", "ConfigError", "VERSION"];
  expect(Object.keys(await import("@tarpan/broker")).sort()).toEqual(names);
  expect(Object.keys(await import("../packages/cli/src/index.ts")).sort()).toEqual(names);
});

it("tarpan/client is the client", async () => {
  const client = await import("@tarpan/client");
  expect(await import("../packages/cli/src/client.ts")).toEqual(client);
});

it("the whole protocol is what its entries are together", async () => {
  const whole: Record<string, unknown> = await import("../packages/protocol/src/index.ts");
  const entries: Record<string, unknown>[] = [
    await import("../packages/protocol/src/schemas.ts"),
    await import("../packages/protocol/src/messages/index.ts"),
    await import("../packages/protocol/src/records/index.ts"),
    await import("../packages/protocol/src/framing.ts"),
    await import("../packages/protocol/src/errors.ts"),
  ];
  for (const entry of entries) {
    for (const [name, value] of Object.entries(entry))
      expect([name, whole[name]]).toEqual([name, value]);
  }
});

it("the bundled command imports only what tarpan itself depends on", () => {
  const bundle = `${root}/packages/cli/dist/bundle`;
  const { files } = JSON.parse(readFileSync(`${bundle}/manifest.json`, "utf8"));
  const imports = /(?:\bfrom|\bimport\(|\brequire\()\s*"(@[^/"]+\/[^/"]+|[a-z][^/":]*)[/"]/g;
  const named = files.flatMap((file: string) => {
    const text = readFileSync(`${bundle}/${file}`, "utf8");
    return [...text.matchAll(imports)].map((match) => match[1]!);
  });
  const { dependencies } = JSON.parse(readFileSync(`${root}/packages/cli/package.json`, "utf8"));
  const missing = new Set(named.filter((name: string) => !isBuiltin(name)));
  for (const name of Object.keys(dependencies)) missing.delete(name);
  expect([...missing]).toEqual([]);
  expect(named).toContain("yaml");
});
