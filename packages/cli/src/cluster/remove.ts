// `tarpan cluster remove`: removes a broker from the cluster. Each request takes the next step and
// says how much is left, so it can be interrupted and repeated, also through another broker.

import { setTimeout as sleep } from "node:timers/promises";
import type { BrokerRemoval } from "@tarpan/broker/admin";
import type { Arguments } from "../args/arguments.ts";
import { outputFrom } from "../args/output.ts";
import { CommandError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import { counted } from "../terminal/progress.ts";
import { HttpBrokers, Refused } from "./ask.ts";

const ASK_EVERY_MS = 500;
const UNAVAILABLE = 503;
const MAX_NODE_ID = 2_147_483_647;

export async function removeBroker(args: Arguments, io: Io): Promise<void> {
  args.required("node-id");
  const nodeId = args.integer("node-id", 0, MAX_NODE_ID)!;
  const output = outputFrom(args, io);
  args.end("; say which broker with --node-id N");
  const brokers = await HttpBrokers.from(args, io);
  let told = "";
  for (;;) {
    const { done, partitionsLeft, message } = await removeOnce(brokers, nodeId);
    if (done) break;
    const left = `broker ${nodeId}: ${counted(partitionsLeft, "partition")} to be moved`;
    const line = message ?? left;
    if (line !== told) {
      told = line;
      output.note(line);
    }
    await sleep(ASK_EVERY_MS);
  }
  const text = `broker ${nodeId} was removed from the cluster; stop it if it still runs\n`;
  output.only({ nodeId, removed: true }, text);
}

/** Asks again while no broker can answer, because the controller may be changing. */
async function removeOnce(brokers: HttpBrokers, nodeId: number): Promise<BrokerRemoval> {
  const limitMs = performance.now() + brokers.timeoutMs;
  for (;;) {
    try {
      return removalFrom(await brokers.ask("DELETE", `/api/v1/brokers/${nodeId}`));
    } catch (error) {
      const again = error instanceof Refused && error.status === UNAVAILABLE;
      if (!again || performance.now() > limitMs) throw error;
    }
    await sleep(ASK_EVERY_MS);
  }
}

function removalFrom(json: unknown): BrokerRemoval {
  const { partitionsLeft, done, message = null } = (json ?? {}) as Partial<BrokerRemoval>;
  if (typeof done !== "boolean" || typeof partitionsLeft !== "number")
    throw new CommandError(
      `unexpected answer; is the broker of another version? ${JSON.stringify(json)}`,
    );
  return { done, partitionsLeft, message };
}
