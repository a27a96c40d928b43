// Clean-up after all tests of a file. Test files share processes and modules, so an `afterAll` in a
// shared module would run only for the first file.
const cleanups: (() => Promise<unknown>)[] = [];

/** Run in reverse order. */
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
