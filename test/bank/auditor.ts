import type { History } from "../history/history.ts";
import { keyOf } from "../history/operation.ts";
import { readCommitted } from "./read-committed.ts";
import type { RoutedClient } from "./routed-client.ts";
import type { WrittenSide } from "./transfers.ts";

const PAUSE_MS = 200;

/** Reads the committed transfers of one partition while they are made. */
export async function audit(
  client: RoutedClient,
  history: History,
  topic: string,
  partition: number,
  isOver: () => boolean,
): Promise<void> {
  const process = history.newProcess();
  const group = `${topic}-auditors`;
  for (let next = 0; !isOver(); ) {
    const asked = history.invoke(process, "poll", { group, records: new Map() });
    const read = await readCommitted(client, topic, partition, next);
    next = read.next;
    const sides = read.values.map(({ offset, value }) => {
      const side: WrittenSide = JSON.parse(value);
      return [offset, side.value] as const;
    });
    asked.ok({ group, records: new Map([[keyOf(topic, partition), sides]]) });
    await client.wire.pause(PAUSE_MS);
  }
}
