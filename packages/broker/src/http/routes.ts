import type { BrokerView, PartitionView } from "../admin/broker-admin.ts";
import { brokerResources } from "./broker-routes.ts";
import { groupResources } from "./group-routes.ts";
import { metricsPage } from "./metrics-page.ts";
import { type Answer, json, type Resource } from "./resource.ts";

/** Every path there is. */
export function resourcesOf(view: BrokerView): readonly Resource[] {
  const metrics = metricsPage(view);
  return [
    { path: "/health", GET: () => json(200, { status: "ok" }) },
    { path: "/ready", GET: () => ready(view) },
    {
      path: "/cluster/status",
      GET: ({ query }) => clusterStatus(view, query.get("partitions") === "true"),
    },
    { path: "/metrics", GET: async () => ({ status: 200, ...(await metrics()) }) },
    ...groupResources(view.groups),
    ...(view.members === null ? [] : brokerResources(view, view.members)),
  ];
}

function ready(view: BrokerView): Answer {
  const { ready, reasons } = view.readiness();
  return ready
    ? json(200, { status: "ready" })
    : json(503, { status: "not ready", reasons: [...reasons] });
}

/** The cluster as this broker sees it; `listed`: with every partition, not only those offline. */
async function clusterStatus(view: BrokerView, listed: boolean): Promise<Answer> {
  const partitions: PartitionView[] = [];
  const offline: Pick<PartitionView, "topic" | "partition" | "offlineReason">[] = [];
  const topics = new Set<string>();
  let total = 0;
  for (const row of view.partitions()) {
    const { topic, partition, offlineReason } = row;
    total++;
    topics.add(topic);
    if (offlineReason !== null) offline.push({ topic, partition, offlineReason });
    if (listed) partitions.push(row);
  }
  const { ready, reasons } = view.readiness();
  const everywhere = listed && view.members !== null ? await view.members.partitions() : null;
  return json(200, {
    ...view.cluster(),
    ready,
    reasons: [...reasons],
    topics: topics.size,
    partitionCount: total,
    offlinePartitions: offline,
    ...(listed ? { partitions: everywhere ?? partitions } : {}),
  });
}
