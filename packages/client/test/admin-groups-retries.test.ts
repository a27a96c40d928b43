// Coordinators that move, and responses that get lost: a scripted peer that speaks the real
// protocol.
import { type Api, DeleteGroups, ErrorCode, FindCoordinator, OffsetCommit } from "@tarpan/protocol";
import { afterEach, expect, test } from "vitest";
import { Admin } from "../src/index.ts";
import { type Offered, scriptedBrokers } from "./scripted-brokers.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** One answer of the script; null closes the connection instead. */
type Script = readonly (readonly [Api, object | null])[];

/** The only version offered of each API: it has only the fields used here. */
const OFFERED: readonly Offered[] = [
  [FindCoordinator, 2],
  [OffsetCommit, 7],
  [DeleteGroups, 1],
];

/**
 * Sends the answers of `script` in turn; answers the requests that every client sends by itself.
 */
async function scripted(script: Script): Promise<{ admin: Admin; asked: string[] }> {
  const left = [...script];
  const asked: string[] = [];
  const answer = (api: Api) => {
    const [expected, body] = left.shift() ?? [];
    asked.push(api.name);
    return expected === api ? (body ?? null) : null;
  };
  const { client, close } = await scriptedBrokers(1, OFFERED, () => [], answer);
  closing.push(close);
  return { admin: new Admin(client), asked };
}

const coordinator = (errorCode: number) =>
  [
    FindCoordinator,
    { errorCode, errorMessage: null, nodeId: 1, host: "127.0.0.1", port: 1 },
  ] as const;
const committed = (errorCode: number) =>
  [
    OffsetCommit,
    { topics: [{ name: "t", partitions: [{ partitionIndex: 0, errorCode }] }] },
  ] as const;
const deleted = (errorCode: number) =>
  [DeleteGroups, { results: [{ groupId: "g", errorCode }] }] as const;

test("a coordinator that is not available, is loading or has moved is looked up again", async () => {
  const { admin, asked } = await scripted([
    coordinator(ErrorCode.COORDINATOR_NOT_AVAILABLE),
    coordinator(0),
    committed(ErrorCode.NOT_COORDINATOR),
    coordinator(0),
    committed(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS),
    coordinator(0),
    committed(0),
  ]);
  await admin.alterGroupOffsets("g", [{ topic: "t", partition: 0, offset: 1 }]);
  expect(asked.filter((name) => name === "FindCoordinator")).toHaveLength(4);
  expect(asked.filter((name) => name === "OffsetCommit")).toHaveLength(3);
});

test("a deletion whose response was lost counts as done", async () => {
  const { admin } = await scripted([
    coordinator(0),
    [DeleteGroups, null],
    coordinator(0),
    deleted(ErrorCode.GROUP_ID_NOT_FOUND),
  ]);
  await admin.deleteGroups(["g"]);
});

test("a group is not found, after a refusal by a broker that is not its coordinator", async () => {
  const { admin } = await scripted([
    coordinator(0),
    deleted(ErrorCode.NOT_COORDINATOR),
    coordinator(0),
    deleted(ErrorCode.GROUP_ID_NOT_FOUND),
  ]);
  await expect(admin.deleteGroups(["g"])).rejects.toMatchObject({
    kafkaName: "GROUP_ID_NOT_FOUND",
  });
});
