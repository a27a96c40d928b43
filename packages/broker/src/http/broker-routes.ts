import type { BrokerAdmin } from "../admin/broker-admin.ts";
import type { MembersAdmin } from "../admin/members-admin.ts";
import { HttpError } from "./http-error.ts";
import { idOf, type Resource } from "./resource.ts";
import { json } from "./text-response.ts";

/** An int32 in Kafka's protocol. */
const MAX_NODE_ID = 2 ** 31 - 1;

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
        const nodeId = Number(id);
        if (!/^\d{1,10}$/.test(id) || nodeId > MAX_NODE_ID) {
          throw new HttpError(400, "a broker is named by its node id");
        }
        return json(200, { nodeId, ...(await members.remove(nodeId)) });
      },
    },
  ];
}
