import { StateMachineError } from "../state-machine/replayed.ts";
import { ControllerUnavailable } from "./controller-unavailable.ts";
import type { Outcome } from "./outcome.ts";
import { storageRefusal } from "./storage-refusal.ts";

/**
 * One thing that may be asked of the controller. Request and response are plain values, for they
 * cross the network: numbers, strings, booleans, null, and lists and objects of these.
 */
export interface Operation<Context, Request, Response> {
  /**
   * Runs on the controller. Resolves when the change is durable; rejects with StateMachineError
   * when the change can't be stored.
   */
  readonly decide: (controller: Context, request: Request) => Promise<Response>;
  /**
   * The response when the operation failed, or when its outcome is unknown. Without it the caller
   * gets the error: StateMachineError or ControllerUnavailable.
   */
  readonly refuse?: (outcome: Outcome, request: Request) => Response;
  /** How long another broker waits for the response, ms, when it is not the usual time. */
  readonly timeoutMs?: (request: Request) => number;
}

/** Operations by name. A new operation is a new row; the forms below follow from it. */
export type OperationTable<Context> = Readonly<Record<string, Operation<Context, never, unknown>>>;

/** The operations of a table as functions. Every form below has this type. */
export type Surface<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends Operation<
    never,
    infer Request,
    infer Response
  >
    ? (request: Request) => Promise<Response>
    : never;
};

/** Calls an operation on the controller of another broker. Rejects with ControllerUnavailable. */
export type Call = (name: string, request: unknown, timeoutMs?: number) => Promise<unknown>;

/** Lets TypeScript infer the types of a row. */
export function operation<Context, Request, Response>(
  row: Operation<Context, Request, Response>,
): Operation<Context, Request, Response> {
  return row;
}

/** For calls of other brokers: a failed append rejects, and the server tells the caller. */
export function servedForm<Context, Table extends OperationTable<Context>>(
  table: Table,
  controller: Context,
): Surface<Table> {
  return surfaceOf<Table, Context>(table, (_, { decide }, request) => decide(controller, request));
}

/** For the broker that is the controller itself. */
export function localForm<Context, Table extends OperationTable<Context>>(
  table: Table,
  controller: Context,
): Surface<Table> {
  return surfaceOf<Table, Context>(table, (_, { decide, refuse }, request) => {
    return refusedBy(refuse, request, decide(controller, request));
  });
}

/** For a broker of a cluster: the controller may be another broker. */
export function remoteForm<Table extends OperationTable<never>>(
  table: Table,
  call: Call,
): Surface<Table> {
  return surfaceOf<Table, never>(table, (name, { refuse, timeoutMs }, request) => {
    return refusedBy(refuse, request, call(name, request, timeoutMs?.(request)));
  });
}

/** What answers a call that came over the network; undefined where there is no such operation. */
export function operationNamed(
  surface: Surface<OperationTable<never>>,
  name: string,
): ((request: unknown) => Promise<unknown>) | undefined {
  if (!Object.hasOwn(surface, name)) return undefined;
  return surface[name] as (request: unknown) => Promise<unknown>;
}

type Row<Context> = Operation<Context, never, unknown>;

function surfaceOf<Table, Context>(
  table: OperationTable<Context>,
  run: (name: string, row: Row<Context>, request: never) => Promise<unknown>,
): Surface<Table> {
  const functions = Object.entries<Row<Context>>(table).map(([name, row]) => {
    return [name, (request: never) => run(name, row, request)];
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
  if (error instanceof ControllerUnavailable) return error.outcome;
  return error instanceof StateMachineError ? storageRefusal(error) : null;
}
