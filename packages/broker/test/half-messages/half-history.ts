import { ConfigResolver } from "../../src/config/kafka/resolve.ts";
import { halfMessageRules } from "../../src/half-messages/rules.ts";
import type { MessageName } from "../../src/held/rules.ts";
import { EMPTY_IMAGE } from "../../src/metadata/image.ts";
import type { Partition } from "../../src/partition/partition.ts";
import { HeldHistory, TARGET } from "../held/history.ts";

const text = new TextEncoder();

export const GROUP = "orders";
export const TIMEOUT_MS = 2_000;
export const INTERVAL_MS = 5_000;
export const MAX_CHECKS = 3;

const configs = {
  "tarpan.half.message.timeout.ms": `${TIMEOUT_MS}`,
  "tarpan.half.message.check.interval.ms": `${INTERVAL_MS}`,
  "tarpan.half.message.check.max": `${MAX_CHECKS}`,
};

export function halfNameOf(id: string, group = GROUP): MessageName {
  return { id: text.encode(id), group };
}

/** A history of half messages: see HeldHistory. */
export class HalfHistory {
  readonly held: HeldHistory;
  readonly checks: readonly Partition[];
  readonly letters: readonly Partition[];

  private constructor(
    held: HeldHistory,
    checks: readonly Partition[],
    letters: readonly Partition[],
  ) {
    this.held = held;
    this.checks = checks;
    this.letters = letters;
  }

  static async begin(seed: number): Promise<HalfHistory> {
    const config = new ConfigResolver(1, configs).broker(EMPTY_IMAGE);
    const rules = halfMessageRules({ partition: 0, config: () => config });
    const held = await HeldHistory.begin(seed, rules);
    const checks = await held.createOther(`${GROUP}.checks`, 2);
    const letters = await held.createOther(`${TARGET.topic}.dlq`, 1);
    return new HalfHistory(held, checks, letters);
  }

  half(id: string, value: string, more: Readonly<Record<string, string>> = {}, group = GROUP) {
    const headers = { "tarpan-producer-group": group, "tarpan-topic": TARGET.topic, ...more };
    return this.produce(id, value, headers);
  }

  resolve(id: string, resolution: "commit" | "rollback", group = GROUP): Promise<number> {
    const headers = { "tarpan-producer-group": group, "tarpan-resolution": resolution };
    return this.produce(id, null, headers);
  }

  /** Writes half messages that are rolled back, so that the log is shortened. */
  async makeLong(): Promise<void> {
    for (let i = 0; i < 60; i++) {
      await this.half("other", "other");
      await this.resolve("other", "rollback");
    }
  }

  async values(): Promise<string[]> {
    return (await this.held.delivered()).map(({ value }) => value);
  }

  produce(id: string, value: string | null, wanted: Readonly<Record<string, string>>) {
    const headers = Object.entries(wanted).map(([key, its]) => ({ key, value: text.encode(its) }));
    const content = value === null ? null : text.encode(value);
    return this.held.produce({ key: text.encode(id), value: content, headers });
  }
}
