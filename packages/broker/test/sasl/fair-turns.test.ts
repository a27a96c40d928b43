import { expect, test } from "vitest";
import {
  FairTurns,
  MAX_WAITING,
  MAX_WAITING_BYTES,
  MAX_WAITING_BYTES_OF_ADDRESS,
  MAX_WAITING_OF_ADDRESS,
} from "../../src/sasl/fair-turns.ts";
import { RefusedRequest } from "../../src/server/refused-request.ts";

/** Turns that wait until `begin` is called; `begun` and `refused` have them in their order. */
function waitingTurns() {
  const turns = new FairTurns();
  const begun: string[] = [];
  const refused: string[] = [];
  let begin: () => void = () => {};
  const all = [
    turns.run(
      { address: "busy", heldBytes: 0 },
      () => new Promise<void>((resolve) => (begin = resolve)),
    ),
  ];
  const add = (name: string, address: string, heldBytes = 100) => {
    const done = turns.run({ address, heldBytes }, async () => void begun.push(name));
    all.push(
      done.catch((error: unknown) => {
        expect(error).toBeInstanceOf(RefusedRequest);
        refused.push(name);
      }),
    );
  };
  const finish = async () => {
    begin();
    await Promise.all(all);
  };
  return { add, finish, begun, refused };
}

test("too many of one address cut off its oldest, and no other", async () => {
  const { add, finish, begun, refused } = waitingTurns();
  add("alice", "home");
  for (let i = 0; i < 3 * MAX_WAITING_OF_ADDRESS; i++) add(`guess${i}`, "evil");
  await finish();
  expect(refused).toHaveLength(2 * MAX_WAITING_OF_ADDRESS);
  expect([refused[0], refused.at(-1)]).toEqual(["guess0", "guess1999"]);
  expect(begun).toHaveLength(MAX_WAITING_OF_ADDRESS + 1);
  expect(begun.slice(0, 2)).toEqual(["alice", "guess2999"]);
});

test("too many of all addresses are refused, and later ones are served again", async () => {
  const { add, finish, begun, refused } = waitingTurns();
  for (let i = 0; i < MAX_WAITING + 5; i++) add(`${i}`, `address ${i}`);
  await finish();
  expect([begun.length, refused]).toEqual([
    MAX_WAITING,
    [0, 1, 2, 3, 4].map((n) => `${MAX_WAITING + n}`),
  ]);
  add("later", "address 0");
  await expect.poll(() => begun.at(-1)).toBe("later");
});

const LARGEST = 512 * 1024;

test("what log-ins of one address hold is bounded, and no other address pays for it", async () => {
  const { add, finish, begun, refused } = waitingTurns();
  add("alice", "home");
  const few = MAX_WAITING_BYTES_OF_ADDRESS / LARGEST;
  for (let i = 0; i < 3 * few; i++) add(`guess${i}`, "evil", LARGEST);
  await finish();
  expect(refused).toEqual(Array.from({ length: 2 * few }, (_, i) => `guess${i}`));
  expect(begun).toHaveLength(few + 1);
});

test("what log-ins of all addresses hold is bounded, and room is given back", async () => {
  const { add, finish, begun, refused } = waitingTurns();
  const few = MAX_WAITING_BYTES / LARGEST;
  for (let i = 0; i < few + 3; i++) add(`${i}`, `address ${i}`, LARGEST);
  await finish();
  expect([begun.splice(0).length, refused.length]).toEqual([few, 3]);
  add("later", "address 0", LARGEST);
  await expect.poll(() => begun).toEqual(["later"]);
});
