import type { Timer, Timers } from "../env/env.ts";
import type { AuditEvent } from "./audit-event.ts";

/** In this time, one event of a kind is written, and the others are counted. */
export const REPEAT_INTERVAL_MS = 60_000;
/** Kinds that are told apart. A client can choose the names in its requests. */
export const MAX_KINDS = 1_000;
/** Principals that are told apart when there are more kinds. */
export const MAX_PRINCIPALS = 100;

/** Stands for several values. */
const SEVERAL = "*";

interface Kind {
  readonly event: AuditEvent;
  repeats: number;
}

/** Events in the form in which this level tells them apart. */
interface Level {
  readonly max: number;
  readonly kinds: Map<string, Kind>;
  formOf(event: AuditEvent): AuditEvent;
}

/**
 * Bounds the lines and the memory for events that a client can cause as often as it likes. The
 * first one of a kind is written at once, and after a minute how often it came again. Events of
 * too many kinds are counted by principal, and those of too many principals together: none is left
 * out of the counts.
 */
export class RepeatedEvents {
  readonly #timers: Timers;
  readonly #write: (event: AuditEvent, repeats: number) => void;
  readonly #levels: readonly Level[] = [
    { max: MAX_KINDS, kinds: new Map(), formOf: (event) => event },
    { max: MAX_PRINCIPALS, kinds: new Map(), formOf: ofPrincipal },
    { max: Number.POSITIVE_INFINITY, kinds: new Map(), formOf: ofAll },
  ];
  #timer: Timer | null = null;

  constructor(timers: Timers, write: (event: AuditEvent, repeats: number) => void) {
    this.#timers = timers;
    this.#write = write;
  }

  add(event: AuditEvent): void {
    for (const { max, kinds, formOf } of this.#levels) {
      const form = formOf(event);
      const key = JSON.stringify(form);
      const kind = kinds.get(key);
      if (kind !== undefined) {
        kind.repeats++;
        return;
      }
      if (kinds.size >= max) continue;
      kinds.set(key, { event: form, repeats: 0 });
      this.#timer ??= this.#timers.after(REPEAT_INTERVAL_MS, () => this.flush());
      this.#write(form, 0);
      return;
    }
  }

  /** Writes all counts. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    for (const { kinds } of this.#levels) {
      for (const { event, repeats } of kinds.values()) if (repeats > 0) this.#write(event, repeats);
      kinds.clear();
    }
  }
}

function ofPrincipal(event: AuditEvent): AuditEvent {
  const resource = event.resource === null ? null : SEVERAL;
  return { ...event, address: SEVERAL, operation: SEVERAL, resource, detail: null };
}

function ofAll(event: AuditEvent): AuditEvent {
  return { ...ofPrincipal(event), principal: SEVERAL, listener: SEVERAL };
}
