import { expect, it } from "vitest";
import { type Fault, HeldHistory } from "./history.ts";

const NEW_ID = "6ba7b810-9dad-41d1-80b4-00c04fd430ff";

const valuesOf = async (history: HeldHistory) =>
  (await history.delivered()).map(({ value }) => value).sort();

/** Two messages whose deliveries are open, because their attempts end with `fault`. */
async function withOpenDeliveries(fault: Fault): Promise<HeldHistory> {
  const history = await HeldHistory.begin(1);
  history.fault = () => fault;
  for (const partition of [0, 1]) {
    await history.schedule(`${partition}`, `${partition}`, history.time.wallMs(), partition);
  }
  await history.pass(5_000);
  expect(history.shard.waitingCount).toBe(0);
  return history;
}

it("while the target is offline, deliveries stay open, and come once it is back", async () => {
  for (const fault of ["not asked", "answer lost"] as const) {
    const history = await withOpenDeliveries(fault);
    history.setOnline(false);
    history.fault = () => "none";
    const { deliveries } = history;
    await history.pass(700_000, 100);
    expect(history.deliveries).toBe(deliveries);
    expect(history.warnings.at(-1)).toMatch(/1 messages can't be delivered to target-[01] for/);
    await history.crash();
    history.setOnline(true);
    await history.pass(5_000);
    expect(await valuesOf(history)).toEqual(["0", "1"]);
  }
});

it("when the target is deleted and created again, they are delivered to the new one", async () => {
  const history = await withOpenDeliveries("not asked");
  await history.deleteTarget();
  await history.pass(5_000);
  expect(history.shard.waitingCount).toBe(2);
  history.fault = () => "none";
  await history.createTarget(NEW_ID);
  await history.pass(5_000);
  expect(await valuesOf(history)).toEqual(["0", "1"]);
  await history.crash();
  await history.pass(5_000);
  expect(await valuesOf(history)).toEqual(["0", "1"]);
});

it("the same if the shard does not see that it was away meanwhile, or another one takes over", async () => {
  const history = await withOpenDeliveries("not asked");
  await history.deleteTarget();
  await history.createTarget(NEW_ID);
  await history.crash();
  history.fault = () => "none";
  await history.pass(5_000);
  expect(await valuesOf(history)).toEqual(["0", "1"]);
});

it("what was delivered to the deleted one without an answer comes to the new one too", async () => {
  const history = await withOpenDeliveries("answer lost");
  expect(await valuesOf(history)).toEqual(["0", "1"]);
  await history.deleteTarget();
  await history.createTarget(NEW_ID);
  history.fault = () => "none";
  await history.pass(5_000);
  expect(await valuesOf(history)).toEqual(["0", "1"]);
});
