import type { AuditEvent } from "../../src/audit/audit-event.ts";
import type { AuditSink } from "../../src/audit/audit-log.ts";

/** Keeps the lines of an audit log. */
export class Lines implements AuditSink {
  readonly texts: string[] = [];
  problem: string | null = null;
  linesLost = 0;

  write(line: string): void {
    this.texts.push(line);
  }

  get events(): readonly (AuditEvent & { readonly time: string; readonly count?: number })[] {
    return this.texts.map((line) => JSON.parse(line));
  }

  /** Each as `change success User:a CreateTopics topic:t (detail)`. */
  get short(): readonly string[] {
    return this.events.map(({ event, outcome, principal, operation, resource, detail, count }) => {
      const texts = [event, outcome, principal, operation, resource, detail && `(${detail})`];
      return [...texts, count && `×${count}`].filter((text) => text).join(" ");
    });
  }
}
