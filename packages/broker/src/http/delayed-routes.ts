import type { DelayedAdmin } from "../admin/delayed-admin.ts";
import { HttpError } from "./http-error.ts";
import { MAX_LISTED } from "./limits.ts";
import { idOf, type Resource } from "./resource.ts";
import { json } from "./text-response.ts";

export function delayedResources(delayed: DelayedAdmin): Resource[] {
  return [
    {
      path: "/api/v1/delayed",
      GET: async ({ req }) => {
        const filter = {
          id: req.query("id") ?? null,
          topic: req.query("topic") ?? null,
          fromMs: numberOf("from", req.query("from")),
          toMs: numberOf("to", req.query("to")),
          limit: Math.min(numberOf("limit", req.query("limit")) ?? 100, MAX_LISTED),
        };
        return json(200, { messages: await delayed.list(filter) });
      },
    },
    {
      path: "/api/v1/delayed/:id",
      DELETE: async (c) => {
        const id = idOf(c);
        await delayed.cancel(id);
        return json(200, { id, cancelled: true });
      },
    },
    {
      path: "/api/v1/delayed/:id/deliver",
      POST: async (c) => {
        const id = idOf(c);
        await delayed.deliver(id);
        return json(200, { id, due: true });
      },
    },
  ];
}

function numberOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,15}$/.test(text)) throw new HttpError(400, `${name} must be a number, not '${text}'`);
  return Number(text);
}
