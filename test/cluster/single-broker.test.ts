import { expect, it, onTestFinished } from "vitest";
import { BrokerProcess, useBroker } from "../harness/broker-process.ts";
import { ClusterNetwork } from "../harness/cluster-network.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";
import { isLong, ROUNDS } from "./chaos.ts";
import { pause } from "./load/load.ts";
import { RecordedRun } from "./load/recorded-run.ts";

// The checks of the cluster tests must find nothing wrong with a single broker either.

const KILLS = 2 * ROUNDS;
const STOPS = ROUNDS;
const CUT_OFF_MS = 3_000;
/** Longer than a client waits for an answer, and than most sessions. */
const PAUSED_MS = 30_000;
const RESTLESS_MS = 8_000;
const flags = ["--kafka", "group.initial.rebalance.delay.ms=100"];
const broker = useBroker({ flags });

const begin = (topic: string, { bootstrap } = broker) =>
  RecordedRun.begin({ bootstrap: [bootstrap], topic, replicas: 1 });

const inLongForm: typeof it | (() => void) = isLong ? it : () => {};

inLongForm(
  "holds one broker to its promises while members come and go",
  async () => {
    const { bootstrap } = broker;
    const topic = "restless";
    const run = await RecordedRun.begin({
      bootstrap: [bootstrap],
      topic,
      replicas: 1,
      restless: true,
    });
    await Promise.all([run.progress(), pause(RESTLESS_MS)]);
    await run.finish();
  },
  90_000,
);

it(
  `holds one broker to its promises through ${KILLS} kills`,
  async () => {
    const random = new SeededRandom(printedSeed("one broker killed"));
    const run = await begin("killed");
    for (let kill = 0; kill < KILLS; kill++) {
      await pause(random.below(500));
      await broker.restart();
      await run.progress();
    }
    await run.finish();
  },
  60_000 + KILLS * 30_000,
);

it(
  `holds one broker to its promises through ${STOPS} stops in order`,
  async () => {
    const random = new SeededRandom(printedSeed("one broker stopped"));
    const run = await begin("stopped");
    for (let stop = 0; stop < STOPS; stop++) {
      await pause(random.below(500));
      expect(await broker.stop()).toBe(0);
      await broker.start();
      await run.progress();
    }
    await run.finish();
  },
  60_000 + STOPS * 30_000,
);

inLongForm(
  `holds one broker to its promises while it is paused for ${PAUSED_MS / 1000} s`,
  async () => {
    const run = await begin("paused");
    broker.pause();
    await pause(PAUSED_MS);
    broker.resume();
    await run.progress();
    await run.finish();
  },
  60_000 + 2 * PAUSED_MS,
);

inLongForm(
  "holds one broker to its promises through a cut of its network",
  async (context) => {
    const network = await ClusterNetwork.create();
    if (typeof network === "string") return context.skip(network);
    onTestFinished(() => network.remove());
    const host = await network.addHost();
    const away = new BrokerProcess({ flags, host: host.clientAddress, launcher: host.launcher });
    onTestFinished(() => away.kill9());
    await away.start();
    const run = await begin("cut-off", away);
    await host.cutOff("everyone");
    await pause(CUT_OFF_MS);
    await host.join("everyone");
    await run.progress();
    await run.finish();
  },
  90_000,
);
