import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test("node:http, fetch and prom-client are not loaded before the first HTTP request", () => {
  const entrance = new URL("../../src/http/entrance.ts", import.meta.url);
  const script = `
    const { createHttpEntrance } = await import(${JSON.stringify(entrance.href)});
    createHttpEntrance({});
    const later = ["NativeModule http", "NativeModule internal/deps/undici/undici"];
    const loaded = () => process.moduleLoadList.filter((name) => later.includes(name));
    const before = loaded();
    await import("node:http");
    new Response();
    console.log(JSON.stringify([before, loaded().length]));
  `;
  const options = [
    "--conditions=tarpan-source",
    "--import=tsx",
    "--input-type=module",
    "-e",
    script,
  ];
  const root = fileURLToPath(new URL("../../../..", import.meta.url));
  const output = execFileSync(process.execPath, options, { cwd: root, encoding: "utf8" });
  expect(JSON.parse(output)).toEqual([[], 2]);
});
