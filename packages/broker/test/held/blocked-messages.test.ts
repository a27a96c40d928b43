import { expect, it } from "vitest";
import { BlockedMessages } from "../../src/held/blocked-messages.ts";
import { ROUND_MESSAGES } from "../../src/held/limits.ts";
import { type TakenMessage, WaitingMessages } from "../../src/held/waiting-messages.ts";

const DUE_MS = 1_000;

function waitingTaken(count: number): [WaitingMessages, TakenMessage[]] {
  const waiting = new WaitingMessages();
  for (let offset = 0; offset < count; offset++) waiting.add([offset, 0], offset, DUE_MS);
  return [waiting, waiting.takeDue(DUE_MS, count)];
}

const offsetsOf = (messages: readonly TakenMessage[]) => messages.map(({ offset }) => offset);

it("gives back the earliest, as many as a round takes, in the order of the log", () => {
  const [waiting, taken] = waitingTaken(2 * ROUND_MESSAGES + 10);
  const blocked = new BlockedMessages(waiting);
  // What did not fit into a delivery comes back behind others that are due at the same time.
  blocked.add("place", taken.slice(1_000));
  blocked.add("place", taken.slice(0, 1_000));
  const all = offsetsOf(taken);
  expect(offsetsOf(blocked.takeNext("place"))).toEqual(all.slice(0, ROUND_MESSAGES));
  expect(blocked.places).toEqual(["place"]);
  blocked.add("place", taken.slice(0, 5));
  const next = [...all.slice(0, 5), ...all.slice(ROUND_MESSAGES, 2 * ROUND_MESSAGES - 5)];
  expect(offsetsOf(blocked.takeNext("place"))).toEqual(next);
  expect(offsetsOf(blocked.takeNext("place"))).toEqual(all.slice(2 * ROUND_MESSAGES - 5));
  expect(blocked.places).toEqual([]);
});

it("forgets those that no longer wait as they did", () => {
  const [waiting, taken] = waitingTaken(4);
  const blocked = new BlockedMessages(waiting);
  blocked.add("place", taken);
  waiting.remove(taken[0]!.entry);
  waiting.advance(taken[2]!.entry, -1, 0);
  expect(offsetsOf(blocked.takeNext("place"))).toEqual([1, 3]);
  expect(blocked.takeNext("other")).toEqual([]);
});
