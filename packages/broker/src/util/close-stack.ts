/** What was opened, to be closed in reverse. */
export class CloseStack {
  readonly #closes: (() => unknown)[] = [];

  /** To be called when something was opened: `close` runs before those of what came earlier. */
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

/** Runs `open`. Where it fails, what it had opened by then is closed, in reverse. */
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
