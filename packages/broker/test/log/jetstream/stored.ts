import type { LeaderLog } from "../../../src/log/replication.ts";
import { batchOf, OPTIONS } from "../batches.ts";
import { ID, World } from "./world.ts";

/** A log of `count` single-record batches, each in its own message. */
export async function stored(count: number): Promise<{ world: World; log: LeaderLog }> {
  const world = new World();
  const first = world.engine();
  await world.run(first.replication.provision(ID, OPTIONS));
  const log = await world.run(first.replication.lead(ID, OPTIONS));
  for (let i = 0; i < count; i++) await world.run(log.append(batchOf(i), 0));
  return { world, log };
}

/** Opens the log on another broker, which has nothing in memory. */
export async function led(world: World): Promise<LeaderLog> {
  return world.run(world.engine().replication.lead(ID, OPTIONS));
}
