import type { Timer, Timers } from "../../env.ts";
import { ASK_ANOTHER_WAITS_MS } from "./limits.ts";
import type { DirectRead, JetStreamTransport, StoredMessage } from "./transport.ts";

/**
 * A direct get goes to any replica, also to one that is paused or cut off, from which nothing will
 * come. So it is soon asked again, most likely of another one, and whoever answers first is heard.
 * Null: no whole answer came.
 */
export function readFromAny(
  transport: JetStreamTransport,
  timers: Timers,
  stream: string,
  wanted: DirectRead,
): Promise<readonly StoredMessage[] | null> {
  return new Promise((resolve) => {
    let asked = 0;
    let silent = 0;
    let timer: Timer | null = null;
    const ask = () => {
      const waitMs = ASK_ANOTHER_WAITS_MS[asked];
      timer = waitMs === undefined ? null : timers.after(waitMs, ask);
      asked += 1;
      silent += 1;
      void transport.readDirect(stream, wanted).then(answered);
    };
    const answered = (found: readonly StoredMessage[] | null) => {
      silent -= 1;
      if (found === null && silent > 0) return;
      timer?.cancel();
      resolve(found);
    };
    ask();
  });
}
