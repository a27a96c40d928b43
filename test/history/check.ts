import type { Anomaly } from "./anomaly.ts";
import { checkGroups } from "./check-groups.ts";
import { checkOrder } from "./check-order.ts";
import { checkRecords } from "./check-records.ts";
import { checkTransactions } from "./check-transactions.ts";
import type { Operation } from "./operation.ts";

/** All that is wrong in a history; see anomaly.ts for what that can be. */
export function anomaliesIn(operations: readonly Operation[]): Anomaly[] {
  return [
    ...checkRecords(operations),
    ...checkOrder(operations),
    ...checkGroups(operations),
    ...checkTransactions(operations),
  ];
}
