import { ErrorCode, type PlainRecords, RecordWalk } from "@tarpan/protocol";
import { DELAYED_TOPIC } from "../metadata/topic-names.ts";
import type { Partition } from "../partition/partition.ts";
import { type ProduceRules, produce } from "../partition/produce.ts";
import type { RequestContext } from "./handler.ts";

const walk = new RecordWalk();

/**
 * Appends to `__delayed`, and tells the audit log if that cancels messages: who may write there can
 * cancel those of everybody. Programs do so all the time, so it does not name each message.
 */
export function produceDelayed(
  partition: Partition,
  records: Uint8Array | null,
  rules: ProduceRules,
  { services, connection }: RequestContext,
): ReturnType<typeof produce> {
  let cancels = false;
  const outcome = produce(partition, records, {
    ...rules,
    errorsOf(plain, count, nowMs, maxMessageBytes) {
      cancels = hasTombstone(plain, count);
      return rules.errorsOf?.(plain, count, nowMs, maxMessageBytes) ?? [];
    },
  });
  const tell = ({ errorCode }: { readonly errorCode: number }) => {
    if (!cancels || errorCode !== ErrorCode.NONE) return;
    const detail = "records that cancel messages";
    const what = { operation: "Produce", resource: `topic:${DELAYED_TOPIC}`, detail };
    services.audit.changed(connection, { ...what, failure: null, isFrequent: true });
  };
  // Whoever waits for the outcome hears of a failure.
  if (outcome instanceof Promise) outcome.then(tell, () => {});
  else tell(outcome);
  return outcome;
}

function hasTombstone({ bytes, start, end }: PlainRecords, count: number): boolean {
  walk.begin(bytes, start, end, count);
  while (walk.next()) if (walk.isTombstone) return true;
  return false;
}
