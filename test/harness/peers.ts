import { existsSync, readFileSync } from "node:fs";
import { it, type TestContext } from "vitest";

/** A third-party client: its path, or why it is missing. Written by scripts/peers.mjs. */
interface PeerEntry {
  readonly path?: string;
  readonly classPath?: string;
  /** For PYTHONPATH. */
  readonly modules?: string;
  /** A version so old that a broker needs a flag to accept it. */
  readonly old?: boolean;
  readonly missing?: string;
  /** CI fails without it. */
  readonly required?: boolean;
}

const listPath = new URL("../../.peers/peers.json", import.meta.url);
const list: Readonly<Record<string, PeerEntry>> = existsSync(listPath)
  ? JSON.parse(readFileSync(listPath, "utf8"))
  : {};
const inCi = process.env.CI === "true";

export interface Peer {
  readonly path: string;
  readonly classPath: string;
  readonly modules: string;
  readonly old: boolean;
  /**
   * `it`. If the peer is missing, the test is skipped with the reason, or fails in CI if required.
   */
  it(name: string, test: (context: TestContext) => Promise<void>, timeoutMs?: number): void;
}

export function peer(name: string): Peer {
  const entry = list[name] ?? { missing: "scripts/peers.mjs has not run", required: true };
  return {
    path: entry.path ?? "",
    classPath: entry.classPath ?? "",
    modules: entry.modules ?? "",
    old: entry.old ?? false,
    it(testName, test, timeoutMs) {
      const run = (context: TestContext) => {
        if (entry.missing === undefined) return test(context);
        const reason = `${name} is missing: ${entry.missing}`;
        if (inCi && entry.required) throw new Error(reason);
        context.skip(reason);
      };
      it(testName, run, timeoutMs);
    },
  };
}
