import { AlterClientQuotas, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { refused } from "../metadata/outcome.ts";
import { onCluster } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * AlterClientQuotas: v0-1 (KIP-546). v1 flexible. One result for each entity; all changes of a
 * request are in one append. Unlike in Kafka, an `ip` must be an address: names are not resolved.
 */
export const alterClientQuotas = handler({
  api: AlterClientQuotas,
  versions: "0-1",
  authorize: [onCluster("alterConfigs")],
  handle,
  failure,
});

type Request = RequestOf<typeof AlterClientQuotas>;
type Response = ResponseInput<typeof AlterClientQuotas>;

async function handle(request: Request, { services }: RequestContext): Promise<Response> {
  const { results } = await services.metadata.controller.alterQuotas(request);
  return {
    entries: results.map(({ entity, ...outcome }) => ({ entity: [...entity], ...outcome })),
  };
}

function failure({ entries }: Request, errorCode: number): Response {
  return { entries: entries.map(({ entity }) => ({ entity, ...refused(errorCode) })) };
}
