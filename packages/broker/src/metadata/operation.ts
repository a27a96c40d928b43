import type { Fields, Output, RequestInput } from "@tarpan/protocol";
import type { AnyControllerApi, ControllerApi } from "../rpc/messages/controller.ts";
import { StateMachineError } from "../state-machine/replayed-state.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { type Outcome, refused } from "./outcome.ts";
import { storageRefusal } from "./storage-refusal.ts";

/**
 * One thing that may be asked of the controller. `api` is the message in which other brokers ask:
 * it gives request and response their types, also where they do not travel.
 */
export interface Operation<Context, Q extends Fields, S extends Fields> {
  readonly api: ControllerApi<Q, S>;
  /**
   * Runs on the controller. Resolves when the change is durable; rejects with StateMachineError
   * when the change can't be stored.
   */
  readonly decide: (controller: Context, request: Value<Q>) => Promise<Value<S>>;
  /**
   * The response when the operation failed, or when its outcome is unknown. Without it the caller
   * gets the error: StateMachineError or KafkaError.
   */
  readonly refuse?: (outcome: Outcome, request: Value<Q>) => Value<S>;
  /** How long another broker waits for the response, ms, when it is not the usual time. */
  readonly timeoutMs?: (request: Value<Q>) => number;
}

/** Fields of a message, all of them given: there is no default where nothing is encoded. */
type Value<F extends Fields> = DeepReadonly<Output<F>>;

type DeepReadonly<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer Element)[]
    ? readonly DeepReadonly<Element>[]
    : T extends object
      ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
      : T;

// biome-ignore lint/suspicious/noExplicitAny: types vary both ways, so only any takes all rows
type Row<Context> = Operation<Context, any, any>;

/** Operations by name. A new operation is a new row; the forms below follow from it. */
export type OperationTable<Context> = Readonly<Record<string, Row<Context>>>;

/** The operations of a table as functions. Every form below has this type. */
export type Surface<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends Operation<never, infer Q, infer S>
    ? (request: Value<Q>) => Promise<Value<S>>
    : never;
};

/** Calls an operation on the controller of another broker. Rejects with KafkaError. */
export type Call = (
  api: AnyControllerApi,
  request: RequestInput<AnyControllerApi>,
  timeoutMs?: number,
) => Promise<unknown>;

/** Lets TypeScript infer the types of a row. */
export function operation<Context, Q extends Fields, S extends Fields>(
  row: Operation<Context, Q, S>,
): Operation<Context, Q, S> {
  return row;
}

/** For calls of other brokers: a failed append rejects, and the server tells the caller. */
export function servedForm<Context, Table extends OperationTable<Context>>(
  table: Table,
  controller: Context,
): Surface<Table> {
  return surfaceOf<Table, Context>(table, ({ decide }, request) => decide(controller, request));
}

/** For the broker that is the controller itself. */
export function localForm<Context, Table extends OperationTable<Context>>(
  table: Table,
  controller: Context,
): Surface<Table> {
  return surfaceOf<Table, Context>(table, ({ decide, refuse }, request) => {
    return refusedBy(refuse, request, decide(controller, request));
  });
}

/** For a broker of a cluster: the controller may be another broker. */
export function remoteForm<Table extends OperationTable<never>>(
  table: Table,
  call: Call,
): Surface<Table> {
  return surfaceOf<Table, never>(table, ({ api, refuse, timeoutMs }, request) => {
    return refusedBy(refuse, request, call(api, request, timeoutMs?.(request)));
  });
}

function surfaceOf<Table, Context>(
  table: OperationTable<Context>,
  run: (row: Row<Context>, request: never) => Promise<unknown>,
): Surface<Table> {
  const functions = Object.entries<Row<Context>>(table).map(([name, row]) => {
    return [name, (request: never) => run(row, request)];
  });
  return Object.fromEntries(functions) as Surface<Table>;
}

async function refusedBy(
  refuse: Row<never>["refuse"],
  request: never,
  work: Promise<unknown>,
): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    const outcome = outcomeOf(error);
    if (refuse === undefined || outcome === null) throw error;
    return refuse(outcome, request);
  }
}

/** Null for a bug, which stays one. */
function outcomeOf(error: unknown): Outcome | null {
  if (error instanceof KafkaError) return refused(error.errorCode, error.message);
  return error instanceof StateMachineError ? storageRefusal(error) : null;
}
