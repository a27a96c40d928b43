import type { DelayedAdmin } from "../admin/delayed-admin.ts";
import { isShownTo } from "./access.ts";
import { HttpError } from "./http-error.ts";
import { MAX_LISTED } from "./limits.ts";
import { numberOf } from "./query.ts";
import { idOf, type Resource, type Route } from "./resource.ts";
import { json } from "./text-response.ts";

export function delayedResources(delayed: DelayedAdmin): Resource[] {
  const cancel: Route = async (c) => {
    const id = wantedId(c);
    await delayed.cancel(id);
    return json(200, { id, cancelled: true });
  };
  const deliver: Route = async (c) => {
    const id = wantedId(c);
    await delayed.deliver(id);
    return json(200, { id, due: true });
  };
  return [
    {
      path: "/api/v1/delayed",
      GET: async (c) => {
        const { req } = c;
        const filter = {
          id: req.query("id") ?? null,
          topic: req.query("topic") ?? null,
          fromMs: numberOf("from", req.query("from")),
          toMs: numberOf("to", req.query("to")),
          limit: Math.min(numberOf("limit", req.query("limit")) ?? 100, MAX_LISTED),
        };
        const messages = await delayed.list(filter);
        return json(200, { messages: messages.filter(isShownTo(c.get("access"))) });
      },
      DELETE: cancel,
      POST: deliver,
    },
    { path: "/api/v1/delayed/:id", DELETE: cancel },
    { path: "/api/v1/delayed/:id/deliver", POST: deliver },
  ];
}

/** In the query any id can be given: clients take `.` and `..` out of a path. */
function wantedId(c: Parameters<Route>[0]): string {
  const id = idOf(c) || c.req.query("id");
  if (id) return id;
  throw new HttpError(400, "which message? its id belongs into the query, as ?id=ID");
}
