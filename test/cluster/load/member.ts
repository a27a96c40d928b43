import type { OffsetAndValue } from "../../history/operation.ts";
import type { Load } from "./load.ts";

/**
 * What a member of a group tells of itself. Its commits run beside its polls, as a second process.
 */
export class Member {
  readonly group: string;
  readonly name: string;
  readonly #load: Load;
  readonly #polling: number;
  /**
   * Processes that commit nothing just now: a client that starts over may leave a commit behind.
   */
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

  /** `commit` commits the next offsets, by partition. It may fail: the next one covers it. */
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
