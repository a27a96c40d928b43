// What tests leave to be cleaned up when those of their file are through. Files share processes and
// modules, so an `afterAll` of a shared module would run for the first file alone.
const cleanups: (() => Promise<unknown>)[] = [];

/** The last to be added is the first to run. */
export function atFileEnd(cleanup: () => Promise<unknown>): void {
  cleanups.push(cleanup);
}

/** Runs them all, then rejects with the first failure, if there was one. */
export async function endFile(): Promise<void> {
  const errors: unknown[] = [];
  for (const cleanup of cleanups.splice(0).reverse()) {
    await cleanup().catch((error: unknown) => errors.push(error));
  }
  if (errors.length > 0) throw errors[0];
}
