import { ErrorCode, ListTransactions } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { Producer } from "./transactional.ts";
import { WholeBroker } from "./whole-broker.ts";

it("lists transactional ids by state, producer, duration and name", async () => {
  const broker = await WholeBroker.start();
  await broker.createTopic("t");
  const open = new Producer(broker, "orders-1");
  await open.init();
  await open.send("t");
  await new Producer(broker, "orders-2").init();
  await new Producer(broker, "mail").init();
  const list = async (filter: object, version = 2) => {
    const all = { stateFilters: [], producerIdFilters: [], ...filter };
    const answer = await broker.call(ListTransactions, version, all);
    expect(answer.errorCode).toBe(0);
    return answer.transactionStates.map(({ transactionalId }) => transactionalId).sort();
  };
  for (const version of [0, 1, 2]) {
    expect(await list({}, version)).toEqual(["mail", "orders-1", "orders-2"]);
  }
  expect(await list({ stateFilters: ["Ongoing"] })).toEqual(["orders-1"]);
  expect(await list({ stateFilters: ["Nonsense"] })).toEqual([]);
  expect(await list({ producerIdFilters: [open.producerId] })).toEqual(["orders-1"]);
  expect(await list({ transactionalIdPattern: "orders-.*" })).toEqual(["orders-1", "orders-2"]);
  broker.time.advance(10_000);
  const ongoing = { stateFilters: ["Ongoing"] };
  expect(await list({ ...ongoing, durationFilter: 9_999n })).toEqual(["orders-1"]);
  expect(await list({ ...ongoing, durationFilter: 10_000n })).toEqual([]);

  const wrong = { stateFilters: ["Nonsense", "Empty"], producerIdFilters: [] };
  const answer = await broker.call(ListTransactions, 2, wrong);
  expect(answer.unknownStateFilters).toEqual(["Nonsense"]);
  const unreadable = { ...wrong, transactionalIdPattern: "(" };
  const refused = await broker.call(ListTransactions, 2, unreadable);
  expect(refused.errorCode).toBe(ErrorCode.INVALID_REGULAR_EXPRESSION);
});
