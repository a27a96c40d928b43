import { it } from "vitest";
import { keepAppointments } from "../delayed/appointments.ts";
import { useBroker } from "../harness/broker-process.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";

const isLong = process.env.TARPAN_CHAOS === "1";
const KILLS = Number(process.env.TARPAN_KILL_ROUNDS ?? (isLong ? 100 : 3));
const LIMIT_MS = 90_000 + KILLS * 5_000;

const broker = useBroker();

it(
  `${KILLS} times kill -9 amid delayed messages: each is delivered once, and not too early`,
  async () => {
    const random = new SeededRandom(printedSeed("delayed messages killed"));
    const options = {
      ...{ name: "killed", bootstrap: [broker.bootstrap], random, replicas: 1 },
      deliveredWithinMs: 60_000,
    };
    await keepAppointments(options, async () => {
      for (let kill = 0; kill < KILLS; kill++) {
        await new Promise((resolve) => setTimeout(resolve, 300 + random.below(1_500)));
        await broker.restart();
      }
    });
  },
  LIMIT_MS,
);
