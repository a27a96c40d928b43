import type { HalfMessagesAdmin, Resolution } from "../admin/half-messages-admin.ts";
import { isShownTo } from "./access.ts";
import { HttpError } from "./http-error.ts";
import { MAX_LISTED } from "./limits.ts";
import { numberOf } from "./query.ts";
import type { Resource } from "./resource.ts";
import { json } from "./text-response.ts";

export function halfMessageResources(halfMessages: HalfMessagesAdmin): Resource[] {
  return [
    {
      path: "/api/v1/half-messages",
      GET: async (c) => {
        const { req } = c;
        const filter = {
          group: req.query("group") ?? null,
          id: req.query("id") ?? null,
          topic: req.query("topic") ?? null,
          limit: Math.min(numberOf("limit", req.query("limit")) ?? 100, MAX_LISTED),
        };
        const messages = await halfMessages.list(filter);
        return json(200, { messages: messages.filter(isShownTo(c.get("access"))) });
      },
      POST: async ({ req }) => {
        const group = given("group", req.query("group"));
        const id = given("id", req.query("id"));
        const resolution = resolutionOf(req.query("resolution"));
        await halfMessages.resolve(group, id, resolution);
        return json(200, { group, id, resolution });
      },
    },
  ];
}

function given(name: string, text: string | undefined): string {
  if (text) return text;
  throw new HttpError(400, `which message? its ${name} belongs into the query, as ?${name}=…`);
}

function resolutionOf(text: string | undefined): Resolution {
  if (text === "commit" || text === "rollback") return text;
  throw new HttpError(400, `resolution must be commit or rollback, not '${text ?? ""}'`);
}
