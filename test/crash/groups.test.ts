import { DescribeGroups } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { useBroker } from "../harness/broker-process.ts";
import { committedOffsets, expectConsistentLog, groupLog } from "../harness/group-observer.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { coordinatorReady, RawMember } from "../harness/raw-group.ts";
import { createTopic } from "../harness/records.ts";

/** `npm run chaos` sets a higher number. */
const ROUNDS = Number(process.env.TARPAN_KILL_ROUNDS ?? 12);
const GROUPS = 8;
const broker = useBroker({ flags: ["--kafka", "group.initial.rebalance.delay.ms=0"] });

it(
  `${ROUNDS} times kill -9 under group load: no acknowledged offset goes back, no group is lost`,
  async () => {
    const random = new SeededRandom(printedSeed("kill -9 of groups"));
    const connection = await RawConnection.open(broker.port);
    await createTopic(connection, "plain");
    connection.close();
    const groups = Array.from({ length: GROUPS }, (_, index) => new Committing(`group-${index}`));
    let acknowledged = 0;
    for (let round = 0; round < ROUNDS; round++) {
      let left = 1 + random.below(300);
      const onAcknowledged = () => {
        acknowledged++;
        left--;
        if (left === 0) void broker.kill9();
      };
      await Promise.all(groups.map((group) => group.run(onAcknowledged)));
      await broker.start();
      for (const group of groups) await group.verify();
    }
    const last = await RawConnection.open(broker.port);
    const log = await groupLog(last);
    for (const { groupId } of groups) expectConsistentLog(log, groupId);
    last.close();
    console.log(`${ROUNDS} kills, ${acknowledged} commits acknowledged and kept`);
  },
  60_000 + ROUNDS * 6_000,
);

/**
 * A member that joins, commits one offset after another, and sometimes leaves and joins again.
 */
class Committing {
  readonly groupId: string;
  #member: RawMember | null = null;
  #memberId = "";
  #generationId = -1;
  #next = 0;
  #acknowledged = -1;

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  /** Runs until the connection is lost. */
  async run(onAcknowledged: () => void): Promise<void> {
    try {
      const member = await RawMember.of(broker.port, this.groupId);
      this.#member = member;
      await this.#enter(member);
      for (;;) {
        this.#next++;
        const partitions = [
          { partitionIndex: 0, committedOffset: this.#next, committedMetadata: "" },
        ];
        const errorCode = await member.commit({ topics: [{ name: "plain", partitions }] });
        expect(errorCode).toBe(0);
        this.#acknowledged = this.#next;
        onAcknowledged();
        if (this.#next % 50 === 0) await this.#comeAgain(member);
      }
    } catch (error) {
      if (this.#member !== null && !this.#member.connection.isClosed) throw error;
    }
  }

  /** A member from before the kill is still a member, in its generation. */
  async #enter(member: RawMember): Promise<void> {
    member.memberId = this.#memberId;
    member.generationId = this.#generationId;
    if (this.#memberId !== "") return expect(await member.heartbeat()).toBe(0);
    await this.#join(member);
  }

  async #comeAgain(member: RawMember): Promise<void> {
    // A kill may have interrupted these steps: then it joins as a new member.
    this.#memberId = "";
    expect(await member.leave()).toBe(0);
    member.memberId = "";
    await this.#join(member);
  }

  async #join(member: RawMember): Promise<void> {
    const joining = { sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 1_000 };
    await member.join(joining);
    expect((await member.sync()).errorCode).toBe(0);
    this.#memberId = member.memberId;
    this.#generationId = member.generationId;
  }

  async verify(): Promise<void> {
    const connection = await RawConnection.open(broker.port);
    await coordinatorReady(connection, this.groupId);
    const [offset] = (await committedOffsets(connection, this.groupId, "plain", 1))!;
    // The last commit may have been written and not acknowledged.
    expect(offset).toBeGreaterThanOrEqual(this.#acknowledged);
    expect(offset).toBeLessThanOrEqual(this.#next);
    if (this.#memberId !== "") {
      const { groups } = await connection.request(DescribeGroups, 5, { groups: [this.groupId] });
      expect(groups[0]).toMatchObject({ errorCode: 0, groupState: "Stable" });
      const ids = groups[0]!.members.map(({ memberId }) => memberId);
      expect(ids).toEqual([this.#memberId]);
    }
    connection.close();
  }
}
