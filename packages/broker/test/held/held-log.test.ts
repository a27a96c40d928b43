import { expect, it } from "vitest";
import { delayedRules } from "../../src/delayed/rules.ts";
import { HeldCounts } from "../../src/held/counts.ts";
import { HeldLog } from "../../src/held/held-log.ts";
import { silentLogger } from "../../src/logging/logger.ts";
import { goOn } from "../../src/util/next-turn.ts";
import { HeldHistory } from "./history.ts";

it("sees a record that is appended just when it has read to the end", async () => {
  for (let ticks = 0; ticks < 6; ticks++) {
    const history = await HeldHistory.begin(1);
    const { time, held } = history;
    await history.schedule("id", "x", time.wallMs() + 60_000);
    let end = 0;
    let wake = (_: number) => {};
    const closing = new AbortController().signal;
    const log = await HeldLog.load({
      partition: {
        log: held.log,
        leaderEpoch: 0,
        get highWatermark() {
          return end;
        },
        onAdvance(its) {
          wake = its;
          return () => {};
        },
        deleteBefore: (offset) => held.deleteBefore(offset),
      },
      patience: { env: { clock: time, timers: time }, logger: silentLogger, closing },
      ...{ rules: delayedRules, counts: new HeldCounts(), nextTurn: goOn },
      ...{ onApplied() {}, onFailure() {}, onUnreadable() {} },
    });
    await history.settle();
    wake(0);
    for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
    end = 1;
    wake(1);
    await history.settle();
    expect(log.state.waiting.count, `after ${ticks} ticks`).toBe(1);
  }
});
