import type { GroupsAdmin } from "../admin/groups-admin.ts";
import { readReset } from "./reset-request.ts";
import { json, type Resource } from "./resource.ts";

export function groupResources(groups: GroupsAdmin): Resource[] {
  return [
    {
      path: "/api/v1/groups",
      GET: async () => json(200, { groups: await groups.list() }),
    },
    {
      path: "/api/v1/groups/:id",
      GET: async ({ id }) => json(200, await groups.describe(id)),
      DELETE: async ({ id }) => {
        await groups.delete(id);
        return json(200, { groupId: id, deleted: true });
      },
    },
    {
      path: "/api/v1/groups/:id/offsets",
      POST: async ({ id, body }) => {
        const reset = readReset(await body());
        const moves = await groups.resetOffsets(id, reset);
        const { topic, execute: executed } = reset;
        return json(200, { groupId: id, topic, executed, partitions: moves });
      },
    },
  ];
}
