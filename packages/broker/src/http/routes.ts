import type { BrokerAdmin } from "../admin/broker-admin.ts";
import { describeCluster } from "../admin/describe-cluster.ts";
import { brokerResources } from "./broker-routes.ts";
import { groupResources } from "./group-routes.ts";
import { metricsPage } from "./metrics-page.ts";
import { type Answer, json, type Resource } from "./resource.ts";

/** Every path there is. */
export function resourcesOf(view: BrokerAdmin): readonly Resource[] {
  const metrics = metricsPage(view);
  return [
    { path: "/health", GET: () => json(200, { status: "ok" }) },
    { path: "/ready", GET: () => ready(view) },
    {
      path: "/cluster/status",
      GET: async ({ query }) =>
        json(200, await describeCluster(view, query.get("partitions") === "true")),
    },
    { path: "/metrics", GET: async () => ({ status: 200, ...(await metrics()) }) },
    ...groupResources(view.groups),
    ...(view.members === null ? [] : brokerResources(view, view.members)),
  ];
}

function ready(view: BrokerAdmin): Answer {
  const { ready, reasons } = view.readiness();
  return ready
    ? json(200, { status: "ready" })
    : json(503, { status: "not ready", reasons: [...reasons] });
}
