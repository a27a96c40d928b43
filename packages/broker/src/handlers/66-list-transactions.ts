import { ErrorCode, ListTransactions, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { RegexError, topicPattern } from "../groups/model/regex/topic-pattern.ts";
import { onEach } from "../security/permission.ts";
import { isTransactionState } from "../transactions/model/transaction.ts";
import { listTransactions as list } from "../transactions/operations/list-transactions.ts";
import { couldDo } from "./allowed.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * ListTransactions: v0-2. v1 a filter by duration (KIP-994) · v2 a filter by transactional id, a
 * regular expression (KIP-1152). Lists the transactional ids that this broker coordinates.
 */
export const listTransactions = handler({
  api: ListTransactions,
  versions: "0-2",
  authorize: [onEach("describe", "transactionalId")],
  handle,
  failure,
});

type Request = RequestOf<typeof ListTransactions>;
type Response = ResponseInput<typeof ListTransactions>;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { services } = context;
  const { stateFilters, producerIdFilters: producerIds, durationFilter } = request;
  const matches = matcherOf(request.transactionalIdPattern);
  if (matches === null) return failure(request, ErrorCode.INVALID_REGULAR_EXPRESSION);
  const unknownStateFilters = stateFilters.filter((name) => !isTransactionState(name));
  const states = new Set(stateFilters.filter(isTransactionState));
  const isImpossible = stateFilters.length > 0 && states.size === 0;
  const longerThanMs = Number(durationFilter);
  const filter = { states, producerIds, longerThanMs, matches };
  const found = isImpossible ? [] : await services.transactions.runOnAll(list(filter));
  return {
    errorCode: ErrorCode.NONE,
    unknownStateFilters,
    transactionStates: found.flat().filter(isAllowed),
  };

  function isAllowed({ transactionalId }: { readonly transactionalId: string }): boolean {
    return couldDo(context, "describe", "transactionalId", transactionalId);
  }
}

/** Null when the pattern is no regular expression. */
function matcherOf(pattern: string | null): ((id: string) => boolean) | null {
  if (pattern === null || pattern === "") return () => true;
  try {
    const compiled = topicPattern(pattern);
    return (transactionalId) => compiled.matches(transactionalId);
  } catch (error) {
    if (error instanceof RegexError) return null;
    throw error;
  }
}

function failure(_request: Request, errorCode: number): Response {
  return { errorCode, unknownStateFilters: [], transactionStates: [] };
}
