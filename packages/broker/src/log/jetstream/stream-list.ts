// Every log's stream. JetStream answers in pages, and leaves out those whose leader did not answer.
import { LIST_TIMEOUT_MS } from "./limits.ts";
import type { LogOpener } from "./open-log.ts";
import { NoAnswer, type StreamInfo } from "./stream-api.ts";
import { LOG_STREAM_PREFIX } from "./stream-config.ts";

interface Page {
  readonly total: number;
  readonly offset: number;
  readonly limit: number;
  readonly streams?: readonly StreamInfo[] | null;
  /** Names of streams that are there, but whose state is not known. */
  readonly missing?: readonly string[];
}

/** How long to wait for streams without a leader: longer than one election. */
const MISSING_PATIENCE_MS = 10_000;

/** `who answers` takes what there is at once; `all` waits, and says which are left out. */
export async function listStreams(
  opener: LogOpener,
  which: "all" | "who answers",
): Promise<readonly StreamInfo[]> {
  const { api, report, env } = opener;
  const untilMs = env.clock.monotonicMs() + MISSING_PATIENCE_MS;
  return api.patiently(async () => {
    const { found, missing } = await listPages(opener);
    if (which === "all" && missing.length > 0) {
      if (env.clock.monotonicMs() < untilMs) throw new NoAnswer("STREAM.LIST", "leaders missing");
      report(`${missing.length} streams have no Raft leader and are left out: ${missing[0]} …`);
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
    // Where all servers of a stream are away it is in both.
    for (const name of page.missing ?? [])
      if (name.startsWith(LOG_STREAM_PREFIX) && !found.has(name)) missing.push(name);
    offset += page.limit;
    if (page.limit <= 0 || offset >= page.total) return { found: [...found.values()], missing };
  }
}
