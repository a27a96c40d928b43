// The dashboard and the alert rules of deploy/ against the metrics that a broker really has.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ErrorCode } from "@tarpan/protocol";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { temporaryDirectory } from "../../../../test/harness/temp.ts";
import { familiesOf } from "../../src/http/metric-families.ts";
import { Broker } from "../../src/index.ts";
import { FakeBroker } from "./fake-broker.ts";

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const deployed = new URL("../../../../deploy/", import.meta.url);
const textOf = (file: string) => readFileSync(new URL(file, deployed), "utf8");
const dashboard = JSON.parse(textOf("grafana-dashboard.json"));
const panels: readonly Panel[] = dashboard.panels;
const rulesText = textOf("prometheus-alerts.yaml");
const rules: readonly Rule[] = parse(rulesText).groups.flatMap(
  (group: { rules: Rule[] }) => group.rules,
);
const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
const expressions = [...queries, ...rules.map(({ expr }) => expr)];

test("name only metrics that a broker has", async () => {
  const dataDir = await temporaryDirectory();
  const broker = await Broker.start({ port: 0, dataDir });
  const page = await (await fetch(`http://${broker.bootstrap}/metrics`)).text();
  await broker.stop();
  const known = new Set(Array.from(page.matchAll(/^# TYPE (\w+)/gm), ([, name]) => name!));
  // This broker is alone. A broker of a cluster has these as well.
  const member = new FakeBroker();
  member.members = { underReplicated: 0 } as FakeBroker["members"];
  for (const { name } of familiesOf(member, () => never())) {
    if (/^tarpan_(controller|brokers|cluster|partitions_under)/.test(name)) known.add(name);
  }
  const named = expressions.flatMap((one) => one.match(/\b(tarpan|process|nodejs)_\w+/g) ?? []);
  const unknown = named.filter((name) => {
    return !known.has(name) && !known.has(name.replace(/_(bucket|sum|count)$/, ""));
  });
  expect(unknown).toEqual([]);
  expect(new Set(named).size).toBeGreaterThan(30);
});

test("name only errors of Kafka, by labels that the metric has", () => {
  const named = expressions.flatMap((one) => {
    return Array.from(one.matchAll(/error=~"([^"]+)"/g), ([, names]) => names!.split("|"));
  });
  expect(named).not.toEqual([]);
  for (const name of named.flat()) expect(ErrorCode).toHaveProperty(name);
});

test("every alert says what is wrong and what to do", () => {
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { alert, labels, annotations, for: lasting = "0s" } of rules) {
    expect(alert).toMatch(/^Tarpan[A-Z]\w+$/);
    expect(lasting).toMatch(/^\d+[sm]$/);
    expect(["critical", "warning"]).toContain(labels.severity);
    expect(Object.keys(annotations).sort()).toEqual(["description", "summary"]);
  }
});

test("the dashboard's panels have their own id and place, and use only its variables", () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const taken = new Map<string, string>();
  for (const { title, type, gridPos, targets = [] } of panels) {
    const { x, y, w, h } = gridPos;
    expect(x + w, title).toBeLessThanOrEqual(24);
    for (let i = 0; i < w * h; i++) {
      const place = `${x + (i % w)},${y + Math.floor(i / w)}`;
      expect(taken.get(place), `${title} is on another panel`).toBeUndefined();
      taken.set(place, title);
    }
    expect(type === "row", title).toBe(targets.length === 0);
    expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
  }
  const own = dashboard.templating.list.map(({ name }: { name: string }) => name);
  const used = JSON.stringify(dashboard)
    .match(/\$\{?\w+/g)!
    .map((name) => name.replace(/\W/g, ""));
  const unknown = used.filter((name) => !own.includes(name) && !name.startsWith("__"));
  expect(unknown).toEqual([]);
});

test("Prometheus' own checker accepts the rules and the dashboard's queries", async (context) => {
  const directory = await temporaryDirectory();
  const check = (name: string, text: string) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    execFileSync("promtool", ["check", "rules", path], { stdio: "pipe" });
  };
  try {
    execFileSync("promtool", ["--version"], { stdio: "ignore" });
  } catch {
    return context.skip("promtool is not installed");
  }
  check("alerts.yaml", rulesText);
  const asRules = queries.map((query, index) => {
    const expr = query.replaceAll("$__rate_interval", "5m");
    return { record: `query:${index}`, expr };
  });
  check("queries.yaml", JSON.stringify({ groups: [{ name: "dashboard", rules: asRules }] }));
});

function never(): never {
  throw new Error("nothing is collected here");
}
