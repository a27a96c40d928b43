import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/**
 * The events that a member writes to standard output, one JSON object per line. It reports records
 * before it commits their offsets.
 */
export type MemberEvent =
  /** All partitions that it owns now; the generation or member epoch if the client exposes it. */
  | { event: "owns"; generation: number | null; partitions: readonly number[] }
  | { event: "records"; partition: number; offsets: readonly number[] }
  /** Acknowledged commits: partition → next offset to read. */
  | { event: "committed"; offsets: Readonly<Record<string, number>> }
  | { event: "failed"; error: string }
  /** It has closed its consumer; the process ends. */
  | { event: "left" };

/** How to start members of one client, and how to parse their output if it is not JSON. */
export interface MemberProgram {
  readonly path: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Its standard input; null for a program that reads none. */
  readonly input: object | null;
  /**
   * Parses a line of either output into events. Default: each line of standard output is one, as
   * JSON.
   */
  parse?(line: string): readonly MemberEvent[];
}

const ERRORS_KEPT = 4_000;

/** One member of a group, in a process of its own, which the caller must end. */
export class GroupMember {
  readonly name: string;
  readonly events: MemberEvent[] = [];
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #errors = "";
  #askedToLeave = false;

  constructor(name: string, program: MemberProgram, onEvent: (event: MemberEvent) => void) {
    this.name = name;
    const { path, args, env = {}, input } = program;
    this.#child = spawn(path, args, { env: { ...process.env, ...env } });
    this.#closed = once(this.#child, "close");
    this.#child.stdin!.on("error", () => {});
    if (input !== null) this.#child.stdin!.end(JSON.stringify(input));
    const take = (event: MemberEvent) => {
      this.events.push(event);
      onEvent(event);
    };
    const parse = program.parse ?? ((line) => [JSON.parse(line) as MemberEvent]);
    const out = createInterface({ input: this.#child.stdout! });
    out.on("line", (line) => parse(line).forEach(take));
    const errors = createInterface({ input: this.#child.stderr! });
    errors.on("line", (line) => {
      this.#errors = `${this.#errors}${line}\n`.slice(-ERRORS_KEPT);
      program.parse?.(line).forEach(take);
    });
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get askedToLeave(): boolean {
    return this.#askedToLeave;
  }

  /** The partitions that it owns, by its last event. */
  get owned(): readonly number[] {
    if (!this.running) return [];
    return this.events.findLast((each) => each.event === "owns")?.partitions ?? [];
  }

  /** Resolves when the process has ended and its output has been read. */
  async kill9(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#closed;
  }

  /** Asks it to leave the group. */
  async leave(): Promise<void> {
    this.#askedToLeave = true;
    this.#child.kill("SIGTERM");
    await this.#closed;
  }

  /** For the message of a failed test. */
  describe(): string {
    const counts = new Map<string, number>();
    for (const { event } of this.events) counts.set(event, (counts.get(event) ?? 0) + 1);
    const failures = this.events.filter((each) => each.event === "failed").slice(-5);
    const told = [...counts].map(([event, count]) => `${count} ${event}`).join(", ");
    const end = this.#child.signalCode ?? this.#child.exitCode;
    const state = this.running ? "runs" : `has ended (${end})`;
    return [
      `${this.name}: ${state}, owns [${this.owned}], told ${told}`,
      ...failures.map(({ error }) => `  ${error}`),
      this.#errors.trimEnd(),
    ].join("\n");
  }
}
