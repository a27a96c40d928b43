// Every file under examples/ runs as it is written, and is listed.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { useBroker } from "./harness/broker-process.ts";
import { succeed } from "./harness/run.ts";

const directory = fileURLToPath(new URL("../examples/", import.meta.url));
const examples = readdirSync(directory).filter((name) => name.endsWith(".mjs"));

/** What each must have printed in the end, for those whose output says whether it worked. */
const PRINTS: Readonly<Record<string, RegExp>> = {
  "group-consumer.mjs": /(?:(?:first|second) got [\s\S]*){20}/,
  "kafkajs-group.mjs": /(?:got [\s\S]*){10}/,
  "manual-commit.mjs": /first: a\nfirst: b\n[\s\S]*offset: 2[\s\S]*\nsecond: c\nsecond: d\n$/,
  "static-membership.mjs": /restarts[^\n]*\nworker-2 gives up \d,\d\nworker-2 reads \d,\d\n/,
  "cooperative-rebalancing.mjs": /first \+ 0,1,2,3,4,5\nfirst - \d,\d,\d\nsecond \+ \d,\d,\d\n/,
  "exactly-once.mjs": /^A\nB\nC\n$/,
  "dead-letters.mjs":
    /after 3 attempts: .* 3\n\{ redriven: 1,.*\n\{ redriven: 0,.*\n.*bob:poison\n$/,
  "ordered.mjs":
    /^(order-2 (created|paid|sent)\n){3}order-1 created\norder-1 paid\norder-1 sent\n$/,
  "delayed.mjs": /^(one message waits|a DelayedProducer needs delayed messages, .*)\n$/,
  "lag.mjs": /3 of 10, 7 to go[\s\S]*tarpan_group_lag\{.*\} 7\nfrom the start: 10 to go\n$/,
};

const broker = useBroker();

test.each(examples)("%s", async (name) => {
  const env = { BOOTSTRAP: broker.bootstrap };
  expect(await succeed(process.execPath, [`${directory}${name}`], { env })).toMatch(PRINTS[name]!);
});

test("all are listed", () => {
  const list = readFileSync(`${directory}README.md`, "utf8");
  const listed = [...list.matchAll(/^\| \[([\w-]+\.mjs)\]\(\1\)/gm)].map((match) => match[1]);
  expect(listed.sort()).toEqual(examples.sort());
});
