import { readdir } from "node:fs/promises";
import { includes, rangeOf } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { broadcasts, calls } from "../../src/rpc/messages/index.ts";

/** Those that are not Kafka's. */
const all = [...calls, ...broadcasts].filter(({ key }) => key >= 10_000);

describe("the messages between brokers", () => {
  it("have a key, a name and a file each, which match", async () => {
    const files = await readdir(new URL("../../src/rpc/messages", import.meta.url));
    const named = all.map(({ key, name }) => `${key}-${dashed(name)}.ts`);
    expect(new Set(all.map(({ key }) => key)).size).toBe(all.length);
    expect(files.filter((file) => /^\d/.test(file)).sort()).toEqual(named.sort());
  });

  it("can get tagged fields from their first version on", () => {
    const rigid = all.filter((one) => !includes(one.flexible, rangeOf(one.versions).min));
    expect(rigid.map(({ name }) => name)).toEqual([]);
  });

  it("that are sent to all brokers have only one version", () => {
    for (const { name, versions } of broadcasts) expect([name, versions]).toEqual([name, "0"]);
  });
});

function dashed(name: string): string {
  return name.replace(/\B[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}
