import { ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { topicCreator } from "../../src/held/topic-creator.ts";
import { silentLogger } from "../../src/logging/logger.ts";
import { ManualTime } from "../env/manual-time.ts";

it("asks once for a topic that many messages need, and again later if that failed", async () => {
  const clock = new ManualTime();
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) };
  let asked = 0;
  const controller = {
    createTopics: async () => {
      asked += 1;
      if (asked === 1) throw new Error("no controller answers");
      const errorCode = ErrorCode.POLICY_VIOLATION;
      return { topics: [{ name: "t.dlq", errorCode, errorMessage: "not allowed" }] } as never;
    },
  };
  const create = topicCreator({ env: { clock }, metadata: { controller }, logger });
  for (let i = 0; i < 20; i++) {
    for (let message = 0; message < 100; message++) create({ name: "t.dlq", for: "dead letters" });
    await Promise.resolve();
    clock.advance(1_000);
  }
  expect(asked).toBe(2);
  expect(warnings).toEqual([
    "dead letters wait, because topic t.dlq can't be created: no controller answers",
    "dead letters wait, because topic t.dlq can't be created: not allowed",
  ]);
});
