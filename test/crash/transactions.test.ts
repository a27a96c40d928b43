import { it } from "vitest";
import { keepBank } from "../bank/keep-bank.ts";
import { useBroker } from "../harness/broker-process.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";

const isLong = process.env.TARPAN_CHAOS === "1";
const KILLS = Number(process.env.TARPAN_KILL_ROUNDS ?? (isLong ? 100 : 3));
const LIMIT_MS = 60_000 + KILLS * 5_000;

const broker = useBroker();

it(
  `${KILLS} times kill -9 amid transactions: each is whole or absent, and ends`,
  async () => {
    const seed = printedSeed("transactions killed");
    const random = new SeededRandom(seed);
    await keepBank(
      { name: "killed", bootstrap: [broker.bootstrap], seed, replicas: 1, limitMs: LIMIT_MS },
      async () => {
        for (let kill = 0; kill < KILLS; kill++) {
          await new Promise((resolve) => setTimeout(resolve, 100 + random.below(700)));
          await broker.restart();
        }
      },
    );
  },
  LIMIT_MS + 60_000,
);
