import type { GroupsAdmin } from "../admin/groups-admin.ts";
import { readJson } from "./request-body.ts";
import { readReset } from "./reset-request.ts";
import { idOf, type Resource } from "./resource.ts";
import { json } from "./text-response.ts";

export function groupResources(groups: GroupsAdmin): Resource[] {
  return [
    {
      path: "/api/v1/groups",
      GET: async () => json(200, { groups: await groups.list() }),
    },
    {
      path: "/api/v1/groups/:id",
      GET: async (c) => json(200, await groups.describe(idOf(c))),
      DELETE: async (c) => {
        const groupId = idOf(c);
        await groups.delete(groupId);
        return json(200, { groupId, deleted: true });
      },
    },
    {
      path: "/api/v1/groups/:id/offsets",
      POST: async (c) => {
        const groupId = idOf(c);
        const reset = readReset(await readJson(c.req));
        const moves = await groups.resetOffsets(groupId, reset);
        const { topic, execute: executed } = reset;
        return json(200, { groupId, topic, executed, partitions: moves });
      },
    },
  ];
}
