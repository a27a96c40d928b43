import type { BrokerAdmin } from "../admin/broker-admin.ts";
import type { MembersAdmin } from "../admin/members-admin.ts";
import { HttpError } from "./http-error.ts";
import { idOf, type Resource } from "./resource.ts";
import { json } from "./text-response.ts";

export function brokerResources(broker: BrokerAdmin, members: MembersAdmin): Resource[] {
  return [
    {
      path: "/api/v1/brokers",
      GET: () => json(200, { brokers: broker.cluster().brokers }),
    },
    {
      path: "/api/v1/brokers/:id",
      DELETE: async (c) => {
        const id = idOf(c);
        if (!/^\d{1,10}$/.test(id)) throw new HttpError(400, "a broker is named by its node id");
        return json(200, { nodeId: Number(id), ...(await members.remove(Number(id))) });
      },
    },
  ];
}
