/**
 * CreateTransactionTopic, version 0: a coordinator needs `__transaction_state`.
 *
 * - v0: baseline
 */
import { controllerApi, outcome } from "./controller.ts";

export const CreateTransactionTopic = controllerApi({
  key: 10_025,
  name: "CreateTransactionTopic",
  versions: "0",
  request: {},
  response: outcome,
});
