// What the broker's README says about loggers, with a real pino.
import { Broker, type Logger } from "@tarpan/broker";
import { pino } from "pino";
import { expect, test } from "vitest";

test.each(["info", "trace"])("an embedded broker logs to a pino of level %s", async (level) => {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  // A pino logger is a Logger without any adapter.
  const logger: Logger = pino({ level, hooks: { logMethod } }, { write });
  const broker = await Broker.start({ logger, configs: { "log.preallocate": true } });
  await broker.stop();
  logger.info("with", { fields: 1 });
  const events = lines.map((line) => JSON.parse(line));
  expect(events.at(-1)).toMatchObject({ level: 30, msg: "with", fields: 1 });
  expect(events).toContainEqual(
    expect.objectContaining({ level: 40, msg: expect.stringContaining("log.preallocate") }),
  );
});

function logMethod(this: unknown, args: unknown[], method: (...args: unknown[]) => void) {
  const [message, fields] = args;
  method.call(this, fields ?? {}, message);
}
