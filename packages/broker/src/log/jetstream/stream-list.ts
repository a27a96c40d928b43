// Lists the streams of all logs. JetStream answers in pages, and tells only the names of streams
// whose leader does not answer.
import { LIST_TIMEOUT_MS } from "./limits.ts";
import type { LogOpener } from "./open-log.ts";
import { NoAnswer, type StreamInfo } from "./stream-api.ts";
import { LOG_STREAM_PREFIX } from "./stream-config.ts";

interface Page {
  readonly total: number;
  readonly offset: number;
  readonly limit: number;
  readonly streams?: readonly StreamInfo[] | null;
  /** Names of streams that exist, but whose state is unknown. */
  readonly missing?: readonly string[];
}

/** How long to wait for streams without a leader, ms; longer than one election. */
const MISSING_PATIENCE_MS = 10_000;

/** `who answers` returns at once; `all` waits for missing leaders, and reports those it lacks. */
export async function listStreams(
  opener: LogOpener,
  which: "all" | "who answers",
): Promise<readonly StreamInfo[]> {
  const { api, report, env } = opener;
  const deadlineMs = env.clock.monotonicMs() + MISSING_PATIENCE_MS;
  return api.patiently(async () => {
    const { found, missing } = await listPages(opener);
    if (which === "all" && missing.length > 0) {
      if (env.clock.monotonicMs() < deadlineMs)
        throw new NoAnswer("STREAM.LIST", "leaders missing");
      report(
        `${missing.length} streams have no Raft leader, so their logs are not listed: ` +
          `${missing[0]} …; check that a majority of NATS servers is running`,
      );
    }
    return found;
  });
}

async function listPages({ api }: LogOpener) {
  const found = new Map<string, StreamInfo>();
  const missing: string[] = [];
  for (let offset = 0; ; ) {
    const page = (await api.ask("STREAM.LIST", { offset }, LIST_TIMEOUT_MS)) as unknown as Page;
    for (const info of page.streams ?? [])
      if (info.config.name.startsWith(LOG_STREAM_PREFIX)) found.set(info.config.name, info);
    // A stream whose servers are all down is in both lists.
    for (const name of page.missing ?? [])
      if (name.startsWith(LOG_STREAM_PREFIX) && !found.has(name)) missing.push(name);
    offset += page.limit;
    if (page.limit <= 0 || offset >= page.total) return { found: [...found.values()], missing };
  }
}
