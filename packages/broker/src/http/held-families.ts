import type { BrokerAdmin } from "../admin/broker-admin.ts";
import { counter, type Family, gauge } from "./family.ts";

/** Messages that are held in partitions led by this broker: delayed ones and half messages. */
export function heldFamilies({ held }: BrokerAdmin): Family[] {
  const { delayed, halfMessages } = held;
  const { counts } = halfMessages;
  return [
    gauge(
      "tarpan_delayed_messages_waiting",
      "Delayed messages that wait for their time, or for their target",
      () => delayed.waitingCount,
    ),
    gauge(
      "tarpan_half_messages_waiting",
      "Half messages that wait for their resolution, or for their target",
      () => halfMessages.waitingCount,
    ),
    counter(
      "tarpan_half_message_checks_total",
      "Checks of half messages that were delivered to their producer groups",
      () => counts.checks,
    ),
    {
      name: "tarpan_half_messages_resolved_total",
      help: "Half messages that were committed or rolled back, or given up after the last check",
      type: "counter",
      collect: () => [
        { value: counts.committed, labels: { how: "committed" } },
        { value: counts.rolledBack, labels: { how: "rolled-back" } },
        { value: counts.unresolved, labels: { how: "unresolved" } },
      ],
    },
    counter(
      "tarpan_half_message_resolutions_ignored_total",
      "Resolutions of half messages that did not wait for one, such as late or second answers",
      () => counts.ignored,
    ),
  ];
}
