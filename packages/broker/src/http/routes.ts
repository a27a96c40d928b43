import type { BrokerView, PartitionView } from "./broker-view.ts";
import { metricsPage } from "./metrics-page.ts";

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export type Route = (query: URLSearchParams) => Answer | Promise<Answer>;

/** Every path there is. */
export function routesOf(view: BrokerView): ReadonlyMap<string, Route> {
  const metrics = metricsPage(view);
  return new Map<string, Route>([
    ["/health", () => json(200, { status: "ok" })],
    ["/ready", () => ready(view)],
    ["/cluster/status", (query) => clusterStatus(view, query.get("partitions") === "true")],
    ["/metrics", async () => ({ status: 200, ...(await metrics()) })],
  ]);
}

export function json(status: number, value: unknown): Answer {
  const body = `${JSON.stringify(value, null, 2)}\n`;
  return { status, contentType: "application/json; charset=utf-8", body };
}

function ready(view: BrokerView): Answer {
  const { ready, reasons } = view.readiness();
  return ready
    ? json(200, { status: "ready" })
    : json(503, { status: "not ready", reasons: [...reasons] });
}

/** The cluster as this broker sees it; `listed`: with every partition, not only those offline. */
function clusterStatus(view: BrokerView, listed: boolean): Answer {
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
  return json(200, {
    ...view.cluster(),
    ready,
    reasons: [...reasons],
    topics: topics.size,
    partitionCount: total,
    offlinePartitions: offline,
    ...(listed ? { partitions } : {}),
  });
}
