/** Closes what was opened, in reverse order. */
export class CloseStack {
  readonly #closes: (() => unknown)[] = [];

  /** Call it after opening something; the last one added is closed first. */
  add(close: () => unknown): void {
    this.#closes.push(close);
  }

  /** Closes all, even if one fails; then rejects with the first failure. Each is closed once. */
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
    // The first error is thrown on: errors of closing may only follow from it.
    await opened.close().catch(() => {});
    throw error;
  }
}
