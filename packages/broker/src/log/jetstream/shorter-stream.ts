// Decides when a stream that ends before an acknowledged message has lost data.
//
// A nats-server that was restarted may hold less of a stream for a while: from 2.15 on it cuts its
// store back to the last Raft snapshot, and replays its Raft log from there. While it starts, and
// for 10 s more, it may answer STREAM.INFO as if it led the stream. So:
//
// 1. The Raft leader is asked for the acknowledged message itself. Only a leader that has applied
//    its log answers that. Without one nothing is known.
// 2. The loss is believed when nothing has changed for SHORTER_CONFIRMED_MS: not the leader, which
//    may have lost its majority, and not the end, which moves while a log is replayed. The time
//    begins anew after one without a leader.
// 3. The operator's log says that the broker waits, and how long.
import { LogError } from "../log-error.ts";
import { SHORTER_CONFIRMED_MS, SHORTER_SEEN_WITHIN_MS } from "./limits.ts";
import { NoAnswer, type StreamApi, type StreamInfo } from "./stream-api.ts";

export interface ShorterStreamParts {
  readonly api: StreamApi;
  readonly stream: string;
  /** Takes one line for the operator. */
  readonly report: (line: string) => void;
}

/** What was seen of one stream while something waits for it. */
export class ShorterStream {
  readonly #parts: ShorterStreamParts;
  #isReported = false;
  /** The end and the leader, as seen from `sinceMs` to `lastMs`. */
  #seen = "";
  #sinceMs = 0;
  #lastMs = 0;

  constructor(parts: ShorterStreamParts) {
    this.#parts = parts;
  }

  /**
   * Whether the stream seems to end before the message `known`. Rejects with LogError `offline`
   * once that is certain, with NoAnswer while there is no Raft leader.
   */
  async isShorter({ state, cluster }: StreamInfo, known: number): Promise<boolean> {
    const { api, stream, report } = this.#parts;
    if (state.last_seq >= known) {
      if (this.#isReported) report(`stream ${stream} has message ${known} again`);
      this.#isReported = false;
      this.#seen = "";
      return false;
    }
    if (!this.#isReported)
      report(
        `stream ${stream} ends at message ${state.last_seq}, before message ${known}, which was ` +
          "acknowledged: waiting for the NATS servers to replay their logs. If nothing changes for " +
          `${SHORTER_CONFIRMED_MS / 1000} s, it counts as lost`,
      );
    this.#isReported = true;
    const isGone = (await api.message(stream, known)) === null;
    const seen = isGone ? `${state.last_seq} ${cluster?.leader}` : "";
    const nowMs = api.monotonicMs();
    if (seen !== this.#seen || nowMs > this.#lastMs + SHORTER_SEEN_WITHIN_MS) this.#sinceMs = nowMs;
    this.#seen = seen;
    this.#lastMs = nowMs;
    if (!isGone || nowMs < this.#sinceMs + SHORTER_CONFIRMED_MS) return true;
    throw new LogError(
      "offline",
      `stream ${stream} ends before message ${known}, which was acknowledged: data is lost. ` +
        "Restore the stream from a backup, or delete the topic",
    );
  }
}

/**
 * The Raft leader's view of a stream that is known to have committed the message `known`. Rejects
 * with LogError `offline` when the stream has lost it, or has no leader.
 */
export function infoReaching(parts: ShorterStreamParts, known: number): Promise<StreamInfo> {
  const { api, stream } = parts;
  const shorter = new ShorterStream(parts);
  return api.patiently(async () => {
    const info = await api.info(stream);
    if (!(await shorter.isShorter(info, known))) return info;
    throw new NoAnswer("STREAM.INFO", `it ends at ${info.state.last_seq}, before ${known}`);
  });
}
