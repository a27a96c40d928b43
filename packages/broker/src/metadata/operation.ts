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
   * Carries it out where the controller is. Resolves after what it changes is durable, and rejects
   * with StateMachineError where that can't be.
   */
  readonly decide: (controller: Context, request: Request) => Promise<Response>;
  /**
   * The response of what came to nothing, or to nobody knows what. Where it is left out the caller
   * is given the error: StateMachineError or ControllerUnavailable.
   */
  readonly refuse?: (outcome: Outcome, request: Request) => Response;
  /** How long somebody elsewhere waits, if not as long as for most. */
  readonly timeoutMs?: (request: Request) => number;
}

/** Operations by name; whoever adds one adds a row, and has each form below. */
export type OperationTable<Context> = Readonly<Record<string, Operation<Context, never, unknown>>>;

/** What callers have of a table, in whichever form: a function for each operation. */
export type Surface<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends Operation<
    never,
    infer Request,
    infer Response
  >
    ? (request: Request) => Promise<Response>
    : never;
};

/** Has somebody else carry out the operation of this name. Rejects with ControllerUnavailable. */
export type Call = (name: string, request: unknown, timeoutMs?: number) => Promise<unknown>;

/** Has a row's types found. */
export function operation<Context, Request, Response>(
  row: Operation<Context, Request, Response>,
): Operation<Context, Request, Response> {
  return row;
}

/** The controller as it serves others: what can't be stored is for whoever answers them to tell. */
export function servedForm<Context, Table extends OperationTable<Context>>(
  table: Table,
  controller: Context,
): Surface<Table> {
  return surfaceOf<Table, Context>(table, (_, { decide }, request) => decide(controller, request));
}

/** The controller as a broker has it that is the controller itself. */
export function localForm<Context, Table extends OperationTable<Context>>(
  table: Table,
  controller: Context,
): Surface<Table> {
  return surfaceOf<Table, Context>(table, (_, { decide, refuse }, request) => {
    return refusedBy(refuse, request, decide(controller, request));
  });
}

/** The controller as a broker has it for which somebody else is, or may be, the controller. */
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
