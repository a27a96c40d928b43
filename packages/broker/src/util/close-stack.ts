/** What was opened, to be closed in reverse. */
export class CloseStack {
  readonly #closes: (() => unknown)[] = [];

  /** Call it after opening something; the last one added is closed first. */
  add(close: () => unknown): void {
    this.#closes.push(close);
  }

  /** Goes on when one fails, and rejects in the end with the first failure. Twice is once. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closes.pop(); close !== undefined; close = this.#closes.pop()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** Runs `open`. If it fails, everything that it has opened is closed, in reverse order. */
export async function allOrNothing<T>(open: (opened: CloseStack) => Promise<T>): Promise<T> {
  const opened = new CloseStack();
  try {
    return await open(opened);
  } catch (error) {
    // Why it failed matters more than what failed because of that.
    await opened.close().catch(() => {});
    throw error;
  }
}
