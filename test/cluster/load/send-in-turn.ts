import type { Load } from "./load.ts";
import { pause } from "./load.ts";

const SEND_PAUSE_MS = 12;
const MOST_RECORDS = 3;

/** Sends values to one partition in one batch; resolves to their offsets, -1 if unknown. */
export type Send = (partition: number, values: readonly number[]) => Promise<readonly number[]>;

/**
 * Sends one batch after the other to a partition, until the load ends. After a batch with unknown
 * outcome it goes on as another process of the history: that batch may still be stored later.
 */
export async function sendInTurn(load: Load, who: string, partition: number, send: Send) {
  const { history } = load;
  const key = load.key(partition);
  let process = history.newProcess();
  for (let turn = 0; load.producing; turn++) {
    const count = 1 + (turn % MOST_RECORDS);
    const values = Array.from({ length: count }, () => history.newValue());
    const sending = history.invoke(
      process,
      "send",
      values.map((value) => ({ key, value })),
    );
    try {
      const offsets = await send(partition, values);
      const stored = values.map((value, index) => {
        const offset = offsets[index] ?? -1;
        return offset < 0 ? { key, value } : { key, value, offset };
      });
      sending.ok(stored);
      load.noteAcknowledged(partition, count);
    } catch (error) {
      sending.info((error as Error).message);
      load.noteFailure(`${who}, partition ${partition}`, error);
      process = history.newProcess();
    }
    await pause(SEND_PAUSE_MS);
  }
}
