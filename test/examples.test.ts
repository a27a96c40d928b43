// Every file under examples/ runs as it is written, and is listed.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format } from "node:util";
import { expect, test, vi } from "vitest";
import { useBroker } from "./harness/broker-process.ts";
import { succeed } from "./harness/run.ts";

const directory = fileURLToPath(new URL("../examples/", import.meta.url));
const names = readdirSync(directory).filter((name) => !name.endsWith(".md"));
const examples = names.filter((name) => name.endsWith(".mjs"));
const typed = names.filter((name) => name.endsWith(".ts"));

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
  "delayed.mjs": /^bob: wake up\non time\n$/,
  "quickstart.ts": /^created .* with 3 .*\nsent at offset 0\nreceived Hello, Tarpan!\n$/,
  "client-options.ts": /^sent 100 records, the last at offset 99\n$/,
  "topics.ts":
    /^created true\nTARPAN_KAFKA_TOPIC_ALREADY_EXISTS\nlisted with 3 .*\n3 .*\ndeleted\n$/,
  "produce.ts": /^sent to partition 1 at offset 0\n$/,
  "partitioners.ts": /^manual 2\nround-robin 0,1,2,0\nrandom true\nhash true\n$/,
  "batch.ts": /^sent at offsets 0 to 2\n$/,
  "fetch.ts": /^offset 0: Message 0\noffset 10: Message 10\noffset 11: Message 11\nnext: 12\n$/,
  "subscribe.ts": /^handled one, offset 0\nhandled two, offset 1\nhandled end, offset 2\n$/,
  "poll.ts": /^hello from 0, hello from 1\n$/,
  "group.ts": /^assigned 0\nconsumed a\nconsumed b\nconsumed c\nthe group is Empty\n$/,
  "group-members.ts": /^(reads 2 partitions\n){3}$/,
  "offsets.ts": /^committed 1: processed successfully\n$/,
  "retries.ts":
    /^Failed order message: 4 attempts by true: Database .*\n\{ 'retries-exhausted': 1 \}\n$/,
  "delay.ts": /^will be delivered in 5 minutes\n$/,
  "check-back.ts":
    /^1: commit\n0: rollback\n2: commit\n3: unknown true\ndelivered 1\ndelivered 2\ndelivered 3\n$/,
  "order-keys.ts": /^User login at offset 0\nUser purchase at offset 1\n$/,
  "lag.mjs": /3 of 10, 7 to go[\s\S]*tarpan_group_lag\{.*\} 7\nfrom the start: 10 to go\n$/,
};

// With the defaults, a group would begin after 3 s, and the broker would first ask after 6 s.
const CONFIGS = ["group.initial.rebalance.delay.ms=0", "tarpan.half.message.timeout.ms=500"];
const broker = useBroker({ flags: CONFIGS.flatMap((config) => ["--kafka", config]) });

test.each(examples)("%s", async (name) => {
  const env = { BOOTSTRAP: broker.bootstrap };
  expect(await succeed(process.execPath, [`${directory}${name}`], { env })).toMatch(PRINTS[name]!);
});

// In this process: loading TypeScript in one of their own would take longer than they do.
test.each(typed)("%s", async (name) => {
  vi.stubEnv("BOOTSTRAP", broker.bootstrap);
  let printed = "";
  const log = vi.spyOn(console, "log").mockImplementation((...values) => {
    printed += `${format(...values)}\n`;
  });
  try {
    await import(`${directory}${name}`);
  } finally {
    log.mockRestore();
    vi.unstubAllEnvs();
  }
  expect(printed).toMatch(PRINTS[name]!);
});

test("all are listed", () => {
  const list = readFileSync(`${directory}README.md`, "utf8");
  const listed = [...list.matchAll(/^\| \[([\w-]+\.(?:mjs|ts))\]\(\1\)/gm)].map(
    (match) => match[1],
  );
  expect(listed.sort()).toEqual(names.sort());
});
