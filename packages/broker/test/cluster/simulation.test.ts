import { expect, it } from "vitest";
import { seedOf } from "../env/seeded-random.ts";
import { Simulation } from "./simulation.ts";

const RUNS = Number(process.env.TARPAN_RUNS ?? 12);
const LIMIT_MS = 120_000 + RUNS * 6_000;

it("stays one cluster that keeps every acknowledged batch and transaction, whatever fails", {
  timeout: LIMIT_MS,
}, async () => {
  const first = seedOf("cluster simulation");
  const runs = process.env.TARPAN_SEED === undefined ? RUNS : 1;
  let acknowledged = 0;
  let sent = 0;
  let transfers = 0;
  for (let seed = first; seed < first + runs; seed++) {
    const simulation = new Simulation(seed);
    try {
      await simulation.run();
    } catch (error) {
      if (process.env.TARPAN_SEED !== undefined) console.log(simulation.story());
      throw new Error(`TARPAN_SEED=${seed}`, { cause: error });
    }
    acknowledged += simulation.history.acknowledgedCount;
    sent += simulation.history.sent;
    transfers += simulation.bank.counts.committed;
  }
  console.log(
    `${runs} runs: ${sent} batches sent, ${acknowledged} acknowledged; ${transfers} transfers`,
  );
  // With fewer the simulation would prove nothing.
  if (runs > 1) expect(acknowledged).toBeGreaterThan(sent / 4);
  expect(transfers).toBeGreaterThan(runs);
});
