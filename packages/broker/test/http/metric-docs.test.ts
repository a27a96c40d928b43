import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Family } from "../../src/http/family.ts";
import { familiesOf } from "../../src/http/metric-families.ts";
import { newCounters } from "../../src/server/shared.ts";
import { FakeBroker } from "./fake-broker.ts";

const DOCS = new URL("../../../../docs/metrics.md", import.meta.url);

/** A broker of a cluster that has something to tell for each metric. */
class BusyBroker extends FakeBroker {
  override members = { underReplicated: 0 } as FakeBroker["members"];

  override network() {
    const now = { connections: 1, heldBytes: 0, unsentBytes: 0, connectionsWaiting: 0 };
    return { ...newCounters(), ...now };
  }
}

function allFamilies(): Family[] {
  const broker = new BusyBroker();
  broker.requests.begin(0).answered(3, 20);
  broker.quotas.stats[0]!.count({ user: "a", clientId: null }, 20);
  const of = { groupId: "billing", topic: "orders", partition: 0 };
  const group = { groupId: "billing", memberCount: 1 };
  const offset = { ...of, committedOffset: 7, lag: 1 };
  const groups = { groups: [group], offsets: [offset] } as never;
  return familiesOf(broker, () => ({ groups, partitions: [...broker.partitions()] }));
}

function row({ name, type, help, collect }: Family): string {
  const samples = [...collect()];
  expect(samples, `${name} has no sample: extend this test's broker`).not.toEqual([]);
  const labels = Object.keys(samples[0]!.labels).filter((label) => label !== "le");
  return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${help} |`;
}

test("docs/metrics.md has a row for each metric: its name, type, labels and help", () => {
  const written = readFileSync(DOCS, "utf8");
  const rows = written.split("\n").filter((line) => line.startsWith("| `tarpan_"));
  expect(rows, "copy the rows below").toEqual(allFamilies().map(row));
});

test("names follow the conventions of Prometheus", () => {
  for (const { name, type, help } of allFamilies()) {
    expect(name).toMatch(/^tarpan_[a-z_]+[a-z]$/);
    expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
    if (type === "histogram") expect(name).toMatch(/_seconds$/);
    expect(name).not.toMatch(/_(ms|milliseconds|kb|mb|count|sum|bucket)(_|$)/);
    expect(help).toMatch(/^[A-Z1].*[^.]$/);
  }
});
