// The results, as a table and as JSON. A row is one figure: its samples from the raw limit and from
// each broker. They are taken in turn, so the n-th samples belong together.

import { median } from "./statistics.ts";

export type Subject = "raw" | "tarpan" | "kafka";
export type Unit = "MB/s" | "ms" | "MiB" | "CPU ms/MiB" | "CPU ms" | "1/s";

export interface Goal {
  /**
   * `ratio`: at least this part of the raw limit. `times`: at most this multiple of it. `above`: at
   * most this many units above it. `most`, `least`: at most, at least this many units. `kafka`,
   * `at most kafka`: at least, at most this multiple of Kafka's.
   */
  readonly kind: "ratio" | "times" | "above" | "most" | "least" | "kafka" | "at most kafka";
  readonly value: number;
}

export class Row {
  readonly section: string;
  readonly name: string;
  readonly unit: Unit;
  readonly goal: Goal | null;
  readonly samples: Partial<Record<Subject, number[]>> = {};

  constructor(section: string, name: string, unit: Unit, goal: Goal | null = null) {
    this.section = section;
    this.name = name;
    this.unit = unit;
    this.goal = goal;
  }

  add(subject: Subject, value: number): void {
    this.samples[subject] = [...(this.samples[subject] ?? []), value];
  }

  value(subject: Subject): number | null {
    const samples = this.samples[subject];
    return samples ? median(samples) : null;
  }

  /** Median of the ratios of samples that belong together: other load affects both alike. */
  ratio(subject: Subject, to: Subject = "raw"): number | null {
    const own = this.samples[subject];
    const others = this.samples[to];
    if (!own || !others) return null;
    return median(own.map((value, i) => value / others[Math.min(i, others.length - 1)]!));
  }

  get isMet(): boolean | null {
    if (!this.goal) return null;
    const { kind, value } = this.goal;
    const reached = this.#reached(kind);
    if (reached === null) return null;
    return kind === "ratio" || kind === "least" || kind === "kafka"
      ? reached >= value
      : reached <= value;
  }

  #reached(kind: Goal["kind"]): number | null {
    if (kind === "ratio" || kind === "times") return this.ratio("tarpan");
    if (kind === "kafka" || kind === "at most kafka") return this.ratio("tarpan", "kafka");
    const own = this.value("tarpan");
    if (kind !== "above" || own === null) return own;
    const raw = this.value("raw");
    return raw === null ? null : own - raw;
  }

  toJSON() {
    const subjects = Object.keys(this.samples) as Subject[];
    return {
      section: this.section,
      name: this.name,
      unit: this.unit,
      goal: this.goal,
      isMet: this.isMet,
      medians: Object.fromEntries(subjects.map((subject) => [subject, this.value(subject)])),
      toKafka: this.ratio("tarpan", "kafka"),
      ratios: Object.fromEntries(subjects.map((subject) => [subject, this.ratio(subject)])),
      samples: this.samples,
    };
  }
}

/** The rows of one section as aligned text. */
export function table(rows: readonly Row[], withKafka: boolean): string {
  const titles = ["", "unit", "raw limit", "Tarpan", "to raw", "goal", ""];
  if (withKafka) titles.push("Kafka", "to raw", "Tarpan to Kafka");
  const lines = [titles, ...rows.map((row) => cells(row, withKafka))];
  const widths = titles.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function cells(row: Row, withKafka: boolean): string[] {
  const { unit } = row;
  const line = [row.name, unit, figure(row.value("raw")), figure(row.value("tarpan"))];
  line.push(ratioText(row.ratio("tarpan"), unit), goalText(row.goal, unit));
  line.push(row.isMet === null ? "" : row.isMet ? "met" : "NOT MET");
  if (!withKafka) return line;
  line.push(figure(row.value("kafka")), ratioText(row.ratio("kafka"), unit));
  line.push(timesText(row.ratio("tarpan", "kafka")));
  return line;
}

function figure(value: number | null): string {
  if (value === null || Number.isNaN(value)) return "-";
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** A rate is shown as a part of the limit, a cost as a multiple of it. */
function ratioText(ratio: number | null, unit: Unit): string {
  if (ratio === null || Number.isNaN(ratio)) return "";
  return unit === "MB/s" ? `${(ratio * 100).toFixed(0)} %` : timesText(ratio);
}

function timesText(ratio: number | null): string {
  return ratio === null || Number.isNaN(ratio) ? "" : `${ratio.toFixed(2)}x`;
}

function goalText(goal: Goal | null, unit: Unit): string {
  if (!goal) return "";
  if (goal.kind === "ratio") return `>= ${goal.value * 100} %`;
  if (goal.kind === "kafka") return `>= ${goal.value}x Kafka`;
  if (goal.kind === "at most kafka") return `<= ${goal.value}x Kafka`;
  if (goal.kind === "times") return `<= ${goal.value}x`;
  if (goal.kind === "above") return `<= raw + ${goal.value} ${unit}`;
  return `${goal.kind === "most" ? "<=" : ">="} ${goal.value} ${unit}`;
}
