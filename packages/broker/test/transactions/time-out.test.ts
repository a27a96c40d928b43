import { expect, it } from "vitest";
import { ABORT_RETRY_MS } from "../../src/transactions/limits.ts";
import { transactionMachine } from "../../src/transactions/machine.ts";
import type { Transaction } from "../../src/transactions/model/transaction.ts";
import { addPartitions } from "../../src/transactions/operations/add-partitions.ts";
import { fence } from "../../src/transactions/operations/end-transaction.ts";
import { initProducerId } from "../../src/transactions/operations/init-producer-id.ts";
import { CoordinatorHarness } from "../coordinator/harness.ts";

it("aborts a transaction later if that can't be recorded when its time is over", () => {
  const aborts: Transaction[] = [];
  const effects = { end() {}, abort: (timedOut: Transaction) => void aborts.push(timedOut) };
  const harness = new CoordinatorHarness(transactionMachine(effects));
  const transactionalId = "tx";
  const request = { transactionalId, timeoutMs: 5_000, expected: null, serverVersion: 2 };
  harness.run(initProducerId(request, 7, effects));
  const producer = { transactionalId, producerId: 7, producerEpoch: 0 };
  harness.run(addPartitions(producer, [{ topic: "t", partitionIds: [0] }], 2));
  harness.advance(5_000);
  harness.advance(ABORT_RETRY_MS);
  expect(aborts).toHaveLength(2);
  expect(harness.run(fence(aborts[1]!, 2, null, effects)).answer).toBe(true);
  harness.advance(ABORT_RETRY_MS);
  expect(aborts).toHaveLength(2);
});
