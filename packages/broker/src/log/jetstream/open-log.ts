// The common steps of opening a log to lead it and to follow it.
import type { Env } from "../../env/env.ts";
import type { Histogram } from "../../metrics/histogram.ts";
import type { LogId } from "../log.ts";
import { LogError } from "../log-error.ts";
import type { TailBudget } from "../memory-tail.ts";
import { BlockIndex } from "./block-index.ts";
import { decodeCheckpoint, type StreamCheckpoint } from "./checkpoint-format.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { BEGINNING } from "./grammar.ts";
import { infoReaching } from "./shorter-stream.ts";
import { decodeStart, type LogStart, UNMOVED } from "./start-format.ts";
import { StoredLog } from "./stored-log.ts";
import { isRefusal, type StreamApi, type StreamInfo } from "./stream-api.ts";
import { formatOf, isKnownFormat, logIdOf, streamNameOf } from "./stream-config.ts";
import { StreamReader } from "./stream-reader.ts";
import { ErrorCode } from "./transport.ts";

/** Shared by all logs of an engine. */
export interface LogOpener {
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  readonly api: StreamApi;
  readonly checkpoints: Checkpoints;
  readonly tails: TailBudget;
  /** See LogEngine. */
  readonly flushes: Histogram;
  /** Highest sequence of each stream that was acknowledged to, or read by, this process. */
  readonly known: Map<string, number>;
  readonly report: (line: string) => void;
  /** See JetStreamEngineOptions. */
  readonly syncedAfterMs: number;
}

/** Records that everything up to the end of `log` is committed: a shorter stream has lost data. */
export function rememberEnd({ known }: LogOpener, log: StoredLog): void {
  const { stream } = log.reader;
  const { sequence } = log.end;
  if (sequence > (known.get(stream) ?? 0)) known.set(stream, sequence);
}

export interface SavedState {
  readonly checkpoint: StreamCheckpoint | null;
  readonly start: LogStart | null;
}

/**
 * Checks a log's stream. Rejects with LogError `missing` when it does not exist, or is not this
 * log's; `offline` when it lost acknowledged messages, after which no broker writes to it.
 */
export async function checkStream(opener: LogOpener, id: LogId): Promise<StreamInfo> {
  const stream = streamNameOf(id);
  const { api } = opener;
  const known = opener.known.get(stream) ?? 0;
  const asked = { api, stream, report: opener.report };
  const info = await infoReaching(asked, known).catch((error: unknown) => {
    if (!isRefusal(error, ErrorCode.streamNotFound)) throw error;
    throw new LogError("missing", `stream ${stream} of ${id.topic}-${id.partition} does not exist`);
  });
  const found = logIdOf(info.config);
  if (found?.topic !== id.topic || found.topicId !== id.topicId || found.partition !== id.partition)
    throw new LogError("missing", `stream ${stream} is not that of ${id.topic}-${id.partition}`);
  if (!isKnownFormat(formatOf(info.config)))
    throw new LogError(
      "offline",
      `stream ${stream} has format ${formatOf(info.config)}: a newer Tarpan is needed to open it`,
    );
  return info;
}

export async function loadSaved(opener: LogOpener, id: LogId): Promise<SavedState> {
  const [{ checkpoint }, { start }] = await Promise.all([
    loadCheckpoint(opener, id),
    loadStart(opener, id),
  ]);
  return { checkpoint, start };
}

/** The checkpoint, with its sequence in the checkpoint stream for the next compare-and-set. */
export async function loadCheckpoint({ checkpoints, report }: LogOpener, id: LogId) {
  const { payload, sequence } = await checkpoints.load("c", id);
  const checkpoint = payload && decodeCheckpoint(payload);
  if (payload && !checkpoint)
    report(`log ${id.topic}-${id.partition}: its checkpoint has a newer format and is ignored`);
  return { checkpoint, sequence };
}

export async function loadStart({ checkpoints }: LogOpener, id: LogId) {
  const { payload, sequence } = await checkpoints.load("s", id);
  const start = payload && decodeStart(payload);
  if (payload && !start)
    throw new LogError(
      "offline",
      `the start of log ${id.topic}-${id.partition} is saved in a newer format: ` +
        "a newer Tarpan is needed to open it",
    );
  return { start, sequence };
}

/** The log as far as its checkpoint and start tell; a scan must read the rest. */
export function beginFrom(
  opener: LogOpener,
  id: LogId,
  { checkpoint, start }: SavedState,
): StoredLog {
  const stream = streamNameOf(id);
  const isNewer = (start?.position.sequence ?? 0) > (checkpoint?.position.sequence ?? 0);
  let index = new BlockIndex();
  if (checkpoint && !isNewer) {
    index = checkpoint.index;
    if (start) index.dropUntil(start.position, null);
  } else if (start) index.dropUntil(start.position, null);
  return new StoredLog({
    id,
    reader: new StreamReader({ api: opener.api, stream, report: opener.report }),
    index,
    position: (isNewer ? start?.position : checkpoint?.position) ?? BEGINNING,
    start: start ?? UNMOVED,
    tails: opener.tails,
    clock: opener.env.clock,
    report: opener.report,
    loadStart: async () => (await loadStart(opener, id)).start,
  });
}
