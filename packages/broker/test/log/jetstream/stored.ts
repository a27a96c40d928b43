import type { JetStreamEngine } from "../../../src/log/jetstream/engine.ts";
import type { LeaderLog } from "../../../src/log/replication.ts";
import { batchOf, OPTIONS } from "../batches.ts";
import { ID, World } from "./world.ts";

interface Stored {
  readonly world: World;
  readonly log: LeaderLog;
  /** Of the broker that leads the log. */
  readonly engine: JetStreamEngine;
}

/** A log of `count` single-record batches, each in its own message. */
export async function stored(count: number): Promise<Stored> {
  const world = new World();
  const engine = world.engine();
  await world.run(engine.replication.provision(ID, OPTIONS));
  const log = await world.run(engine.replication.lead(ID, OPTIONS));
  for (let i = 0; i < count; i++) await world.run(log.append(batchOf(i), 0));
  return { world, log, engine };
}

/** Opens the log on another broker, which has nothing in memory. */
export async function led(world: World): Promise<LeaderLog> {
  return world.run(world.engine().replication.lead(ID, OPTIONS));
}
