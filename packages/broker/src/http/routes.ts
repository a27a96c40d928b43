import type { BrokerAdmin } from "../admin/broker-admin.ts";
import { describeCluster } from "../admin/describe-cluster.ts";
import type { Access } from "./access.ts";
import { brokerResources } from "./broker-routes.ts";
import { delayedResources } from "./delayed-routes.ts";
import { groupResources } from "./group-routes.ts";
import { halfMessageResources } from "./half-message-routes.ts";
import { metricsPage } from "./metrics-page.ts";
import type { Resource } from "./resource.ts";
import { json, text } from "./text-response.ts";

/** All resources of the HTTP API. */
export function resourcesOf(broker: BrokerAdmin): readonly Resource[] {
  const metrics = metricsPage(broker);
  return [
    { path: "/health", GET: () => json(200, { status: "ok" }) },
    { path: "/ready", GET: (c) => ready(broker, c.get("access")) },
    {
      path: "/cluster/status",
      GET: async ({ req }) =>
        json(200, await describeCluster(broker, req.query("partitions") === "true")),
    },
    {
      path: "/metrics",
      async GET() {
        const { contentType, body } = await metrics();
        return text(200, contentType, body);
      },
    },
    ...groupResources(broker.groups),
    ...delayedResources(broker.delayed),
    ...halfMessageResources(broker.halfMessages),
    ...(broker.members === null ? [] : brokerResources(broker, broker.members)),
  ];
}

/** The reasons name topics, so only a client that may describe the cluster is told them. */
function ready(broker: BrokerAdmin, access: Access): Response {
  const { ready, reasons } = broker.readiness();
  if (ready) return json(200, { status: "ready" });
  const told = access.allowsOnCluster("describe") ? { reasons: [...reasons] } : {};
  return json(503, { status: "not ready", ...told });
}
