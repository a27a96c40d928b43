// Whole command lines about half messages against a real broker, in this process.
import { Producer } from "@tarpan/client";
import { expect, test } from "vitest";
import { useEmbedded } from "./embedded.ts";
import { tarpan } from "./run-command.ts";

const embedded = useEmbedded();

const at = (...argv: string[]) => tarpan(["half", ...argv, "--bootstrap", embedded.bootstrap]);

const IDS = ["..", "a/b ü", "c"];

test("lists half messages, commits them and rolls them back, whatever their id", async () => {
  const producer = new Producer(embedded.client);
  const headers = [
    { key: "tarpan-producer-group", value: "orders" },
    { key: "tarpan-topic", value: "nowhere" },
  ];
  for (const id of IDS) {
    await producer.send({ topic: "__half_messages", key: id, value: "v", headers });
  }
  const listed = async () => {
    const { stdout } = await at("list", "--group", "orders", "-o", "json");
    const messages = JSON.parse(stdout) as { id: string; state: string }[];
    return messages.map(({ id, state }) => `${id} ${state}`).sort();
  };
  expect(await listed()).toEqual(IDS.map((id) => `${id} waiting`));
  const resolve = (resolution: string, ...ids: string[]) =>
    at("resolve", "--group", "orders", "--resolution", resolution, ...ids);
  const committed = { code: 0, stdout: "..: committed\na/b ü: committed\n", stderr: "" };
  expect(await resolve("commit", "..", "a/b ü")).toEqual(committed);
  const rolledBack = { code: 0, stdout: "c: rolled back\n", stderr: "" };
  expect(await resolve("rollback", "c")).toEqual(rolledBack);
  expect(await listed()).toEqual([".. committed", "a/b ü committed"]);
  const { stdout } = await at("list");
  expect(stdout).toMatch(/^group +id +to +state +checks +next check +created +bytes\norders/);
  await producer.close();
});

test("says what is missing, and when no such message waits", async () => {
  const gone = await at("resolve", "--group", "orders", "--resolution", "commit", "c");
  expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining("with the id 'c' waits")]);
  const bare = await at("resolve", "--group", "orders", "c");
  expect([bare.code, bare.stderr]).toEqual([2, expect.stringContaining("--resolution")]);
  const none = await at("list", "--group", "nobody");
  expect(none).toEqual({ code: 0, stdout: "", stderr: "no such message waits\n" });
});
