// Whole command lines about delayed messages against a real broker, in this process.
import { DelayedProducer } from "@tarpan/client";
import { expect, test } from "vitest";
import { useEmbedded } from "./embedded.ts";
import { tarpan } from "./run-command.ts";

const embedded = useEmbedded();

const at = (...argv: string[]) => tarpan(["delayed", ...argv, "--bootstrap", embedded.bootstrap]);

/** What clients and servers of HTTP decode, normalize or cut off. */
const IDS = [
  ".",
  "..",
  "a/b",
  "/",
  "%",
  "%2e%2e",
  "a b",
  "a+b",
  "a?b=c&d",
  "#a",
  "ü €",
  "🐎",
  "a\nb",
];

test("cancels and delivers messages with any id", async () => {
  const producer = new DelayedProducer(embedded.client);
  const waiting = async () => {
    const { stdout } = await at("list", "--json");
    return (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id).sort();
  };
  for (const id of IDS) {
    await producer.send({ topic: "nowhere", value: "v" }, { id, delayMs: 3_600_000 });
  }
  expect(await waiting()).toEqual(IDS.toSorted());
  for (const id of IDS) {
    const due = { code: 0, stdout: `${id}: due now\n`, stderr: "" };
    expect(await at("deliver", `--id=${id}`)).toEqual(due);
  }
  const cancelled = IDS.map((id) => `${id}: cancelled\n`).join("");
  expect(await at("cancel", ...IDS)).toEqual({ code: 0, stdout: cancelled, stderr: "" });
  expect(await waiting()).toEqual([]);
  const { code, stderr } = await at("cancel", "..");
  expect([code, stderr]).toEqual([1, expect.stringContaining("with the id '..' waits")]);
  await producer.close();
});
