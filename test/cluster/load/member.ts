import type { OffsetAndValue } from "../../history/operation.ts";
import type { Load } from "./load.ts";

/** Adds what a group member does to the history. Its commits are a process beside its polls. */
export class Member {
  readonly group: string;
  readonly name: string;
  readonly #load: Load;
  readonly #polling: number;
  /** Processes without a commit under way. A client that restarts may leave one unfinished. */
  readonly #idle: number[] = [];

  constructor(load: Load, group: string, name: string) {
    this.#load = load;
    this.group = group;
    this.name = name;
    this.#polling = load.history.newProcess();
  }

  owns(generation: number | null, partitions: Iterable<number>): void {
    const keys = [...partitions].map((partition) => this.#load.key(partition));
    this.#load.history.note(this.#polling, "assign", { group: this.group, generation, keys });
  }

  polled(records: ReadonlyMap<number, OffsetAndValue[]>): void {
    if (records.size > 0) this.#load.notePolled(this.#polling, this.group, records);
  }

  /** `commit` commits the next offsets, by partition. If it fails, the next commit covers it. */
  async commit(next: ReadonlyMap<number, number>, commit: () => Promise<void>): Promise<void> {
    const offsets = new Map([...next].map(([at, offset]) => [this.#load.key(at), offset]));
    const { group } = this;
    const { history } = this.#load;
    const process = this.#idle.pop() ?? history.newProcess();
    const committing = history.invoke(process, "commit", { group, offsets });
    try {
      await commit();
      committing.ok();
    } catch (error) {
      committing.info((error as Error).message);
      this.failed(error);
    }
    this.#idle.push(process);
  }

  failed(error: unknown): void {
    this.#load.noteFailure(this.name, error);
  }
}
