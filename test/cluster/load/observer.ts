import { Admin, Client } from "@tarpan/client";
import { type Load, pause, REQUEST_TIMEOUT_MS } from "./load.ts";

const OBSERVE_PAUSE_MS = 100;

/** Fetches the committed offsets of groups again and again. */
export async function observeCommitted(load: Load, groups: readonly string[]): Promise<void> {
  const { history, bootstrap, security, topic } = load;
  const client = new Client({
    bootstrap,
    clientId: "observer",
    timeoutMs: REQUEST_TIMEOUT_MS,
    ...security,
  });
  const admin = new Admin(client);
  const process = history.newProcess();
  const none = new Map(load.keys.map((key) => [key, -1]));
  while (load.consuming) {
    for (const group of groups) {
      const asking = history.invoke(process, "committed", { group, offsets: new Map() });
      try {
        const known = await admin.groupOffsets(group);
        const mine = known.filter((each) => each.topic === topic);
        // The answer omits partitions without a committed offset.
        const offsets = new Map([
          ...none,
          ...mine.map(({ partition, offset }) => [load.key(partition), offset] as const),
        ]);
        asking.ok({ group, offsets });
      } catch (error) {
        asking.fail((error as Error).message);
        load.noteFailure("observer", error);
      }
    }
    await pause(OBSERVE_PAUSE_MS);
  }
  await client.close();
}
