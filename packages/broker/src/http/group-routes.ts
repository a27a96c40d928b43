import type { GroupDetail, GroupSummary, GroupsAdmin } from "../admin/groups-admin.ts";
import { type Access, isShownTo } from "./access.ts";
import { readJson } from "./request-body.ts";
import { readReset } from "./reset-request.ts";
import { idOf, type Resource } from "./resource.ts";
import { json } from "./text-response.ts";

export function groupResources(groups: GroupsAdmin): Resource[] {
  return [
    {
      path: "/api/v1/groups",
      GET: async (c) => {
        const access = c.get("access");
        const all = await groups.list();
        const isShown = ({ groupId }: GroupSummary) => access.allows("describe", "group", groupId);
        const shown = access.allowsOnCluster("describe") ? all : all.filter(isShown);
        return json(200, { groups: shown });
      },
    },
    {
      path: "/api/v1/groups/:id",
      GET: async (c) => json(200, visible(await groups.describe(idOf(c)), c.get("access"))),
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
        c.set("isPlan", !reset.execute);
        c.get("access").expect("read", "topic", reset.topic);
        const moves = await groups.resetOffsets(groupId, reset);
        const { topic, execute: executed } = reset;
        return json(200, { groupId, topic, executed, partitions: moves });
      },
    },
  ];
}

/** Without the topics that the client may not describe. */
function visible(group: GroupDetail, access: Access): GroupDetail {
  const isShown = isShownTo(access);
  const members = group.members.map(({ assignment, ...member }) => {
    return { ...member, assignment: assignment?.filter(isShown) ?? null };
  });
  return { ...group, members, offsets: group.offsets.filter(isShown) };
}
