import { ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { useBroker } from "../harness/broker-process.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { RawMember } from "../harness/raw-group.ts";
import { createTopic, produce, readAll, textBatch } from "../harness/records.ts";

const SESSION_MS = 1_000;
const PAUSED_MS = 2_200;
const GROUPS = 5;

const flags = ["group.initial.rebalance.delay.ms=0", `group.min.session.timeout.ms=${SESSION_MS}`];
const broker = useBroker({ flags: flags.flatMap((config) => ["--kafka", config]) });

const elapse = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it("a pause longer than sessions costs no member its place, and no record is lost", async () => {
  const connection = await RawConnection.open(broker.port);
  await createTopic(connection, "plain");
  const join = { sessionTimeoutMs: SESSION_MS };
  const entering = Array.from({ length: GROUPS }, (_, i) =>
    RawMember.alone(broker.port, `g${i}`, join),
  );
  const members = await Promise.all(entering);
  const silent = await RawMember.alone(broker.port, "silent", join);

  broker.pause();
  const heartbeats = members.map((member) => member.heartbeat());
  const produced = produce(connection, "plain", textBatch("sent to a paused broker"));
  await elapse(PAUSED_MS);
  broker.resume();
  expect(await Promise.all(heartbeats)).toEqual(members.map(() => ErrorCode.NONE));
  expect((await produced).errorCode).toBe(ErrorCode.NONE);
  expect(await Promise.all(members.map((member) => member.commit()))).toEqual(
    members.map(() => ErrorCode.NONE),
  );
  expect((await readAll(connection, "plain")).records).toHaveLength(1);
  // A member that stays silent loses its place all the same.
  await elapse(1_500);
  expect(await silent.heartbeat()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  for (const { connection } of [...members, silent]) connection.close();
  connection.close();
});
