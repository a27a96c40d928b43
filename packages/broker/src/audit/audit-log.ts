import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import type { Operation, ResourceType } from "../security/authorizer.ts";
import { principalText } from "../security/principal.ts";
import type { AuditEvent, AuditedClient, Change } from "./audit-event.ts";
import { RepeatedEvents } from "./repeated-events.ts";

/** Where the lines of the audit log go. */
export interface AuditSink {
  /** Takes a whole line, newline included. Must not throw, and must not wait for a slow disk. */
  write(line: string): void;
  /** Why lines can't be written now; null while they can. */
  readonly problem: string | null;
  readonly linesLost: number;
}

/** How the audit log does. */
export interface AuditStatus {
  /** Events since the start, by event and outcome. */
  readonly counts: Readonly<Record<CountedKind, number>>;
  readonly linesLost: number;
  readonly problem: string | null;
}

const KINDS = [
  "authentication success",
  "authentication failure",
  "refusal denied",
  "change success",
  "change failure",
] as const;

/** An event and its outcome. */
export type CountedKind = (typeof KINDS)[number];

/** Longest text of a client in a line: names may have 32 KiB. */
const MAX_TEXT = 300;

/**
 * Writes who logged in, who was refused, and who changed what. Without a sink, the broker's log
 * gets the refusals, and nothing else is kept.
 */
export class AuditLog {
  readonly #clock: Env["clock"];
  readonly #logger: Logger;
  readonly #sink: AuditSink | null;
  readonly #repeated: RepeatedEvents;
  readonly #counts = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<
    CountedKind,
    number
  >;

  constructor(env: Pick<Env, "clock" | "timers">, sink: AuditSink | null, logger: Logger) {
    this.#clock = env.clock;
    this.#sink = sink;
    this.#logger = logger;
    this.#repeated = new RepeatedEvents(env.timers, (event, repeats) => {
      this.#write(event, repeats);
    });
  }

  get status(): AuditStatus {
    return {
      counts: this.#counts,
      linesLost: this.#sink?.linesLost ?? 0,
      problem: this.#sink?.problem ?? null,
    };
  }

  /** ACLs do not allow it. */
  refused(client: AuditedClient, operation: Operation, type: ResourceType, name: string): void {
    const resource = type === "cluster" ? type : shortened(`${type}:${name}`);
    const of = clientFields(client);
    this.#add({ event: "refusal", outcome: "denied", ...of, operation, resource, detail: null });
  }

  loggedIn(client: AuditedClient, mechanism: string): void {
    const of = clientFields(client);
    const what = { operation: mechanism, resource: null, detail: null };
    this.#add({ event: "authentication", outcome: "success", ...of, ...what });
  }

  /** `why` is for operators, and holds no secret. */
  logInFailed(address: string, listener: string | null, why: string): void {
    this.#add({
      ...{ event: "authentication", outcome: "failure" },
      ...{ principal: null, address, listener, operation: "log-in", resource: null },
      detail: shortened(why),
    });
  }

  changed(client: AuditedClient, { failure, isFrequent = false, ...change }: Change): void {
    const details = [failure, change.detail].filter((text) => text !== null);
    const event: AuditEvent = {
      ...{ event: "change", outcome: failure === null ? "success" : "failure" },
      ...clientFields(client),
      operation: change.operation,
      resource: shortened(change.resource),
      detail: details.length === 0 ? null : shortened(details.join(": ")),
    };
    // What failed has cost nothing: a client can repeat it as often as it likes.
    if (isFrequent || failure !== null) this.#add(event);
    else this.#count(event, () => this.#write(event, 0));
  }

  close(): void {
    this.#repeated.flush();
  }

  #add(event: AuditEvent): void {
    this.#count(event, () => this.#repeated.add(event));
  }

  #count(event: AuditEvent, keep: () => void): void {
    this.#counts[`${event.event} ${event.outcome}` as CountedKind]++;
    if (this.#sink !== null || event.event === "refusal") keep();
  }

  #write(event: AuditEvent, repeats: number): void {
    const count = repeats === 0 ? {} : { count: repeats };
    if (this.#sink === null) {
      const { principal, operation, resource } = event;
      const again = repeats === 0 ? "" : ` (${repeats} more like this)`;
      const message = `denied ${principal} the operation ${operation} on ${resource}${again}`;
      this.#logger.info(message, { ...event, ...count });
      return;
    }
    const time = new Date(this.#clock.wallMs()).toISOString();
    this.#sink.write(`${JSON.stringify({ time, ...event, ...count })}\n`);
  }
}

function clientFields({ principal, remoteAddress, listener }: AuditedClient) {
  return { principal: shortened(principalText(principal)), address: remoteAddress, listener };
}

function shortened(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}
