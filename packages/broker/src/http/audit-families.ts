import type { BrokerAdmin } from "../admin/broker-admin.ts";
import { counter, type Family } from "./family.ts";

export function auditFamilies(broker: BrokerAdmin): Family[] {
  return [
    {
      name: "tarpan_audit_events_total",
      help: "Log-ins, refusals by ACLs, and changes of clients",
      type: "counter",
      *collect() {
        for (const [kind, value] of Object.entries(broker.audit.counts)) {
          const [event = "", outcome = ""] = kind.split(" ");
          yield { value, labels: { event, outcome } };
        }
      },
    },
    counter(
      "tarpan_audit_lines_lost_total",
      "Lines of the audit log that could not be written; the log says why",
      () => broker.audit.linesLost,
    ),
  ];
}
