import type { PartitionStatus } from "../admin/cluster-status.ts";
import type { GroupUsage } from "../admin/groups-admin.ts";
import type { Histogram } from "../metrics/histogram.ts";

/** What was collected once for all families of a scrape. */
export interface Scrape {
  readonly groups: GroupUsage;
  readonly partitions: readonly PartitionStatus[];
}

type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly value: number;
  readonly labels: Labels;
  /** When it differs from the family's: `_bucket`, `_sum` and `_count` of a histogram. */
  readonly metricName?: string;
}

/** One metric with all its label values. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  collect(): Iterable<Sample>;
}

/** A gauge without labels. */
export function gauge(name: string, help: string, value: () => number): Family {
  return { name, help, type: "gauge", collect: () => [{ value: value(), labels: {} }] };
}

/** A counter without labels. */
export function counter(name: string, help: string, value: () => number): Family {
  return { name, help, type: "counter", collect: () => [{ value: value(), labels: {} }] };
}

/** The samples of one histogram of the family `name`, in seconds. */
export function* histogramSamples(
  name: string,
  { counts, boundsMs, sumMs }: Histogram,
  labels: Labels = {},
): Iterable<Sample> {
  let value = 0;
  for (const [index, count] of counts.entries()) {
    value += count;
    const boundMs = boundsMs[index];
    const le = boundMs === undefined ? "+Inf" : boundMs / 1000;
    yield { value, labels: { ...labels, le }, metricName: `${name}_bucket` };
  }
  yield { value: sumMs / 1000, labels, metricName: `${name}_sum` };
  yield { value, labels, metricName: `${name}_count` };
}
