import { ErrorCode, type GroupRecord } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { LiveGroup } from "../../../src/groups/model/classic/live-group.ts";
import type { JoinAnswer, SyncAnswer } from "../../../src/groups/model/classic/member.ts";
import { deleteGroup } from "../../../src/groups/operations/delete-group.ts";
import { SeededRandom, seedOf } from "../../env/seeded-random.ts";
import type { PendingGroup } from "../harness.ts";
import { GROUP, Members, REBALANCE_MS, SESSION_MS, subscriptionTo, text } from "./members.ts";

const RUNS = 60;
const STEPS = 200;
const CLIENTS = 6;

/** A consumer that may lose its member id, not wait for answers, and repeat its requests. */
class Client {
  memberId = "";
  generation = -1;
  topics = ["t"];
  joining: PendingGroup<JoinAnswer> | null = null;
  syncing: PendingGroup<SyncAnswer> | null = null;
  readonly groupInstanceId: string | null;

  constructor(groupInstanceId: string | null) {
    this.groupInstanceId = groupInstanceId;
  }
}

/** One random run, and the invariants that are checked after every step. */
class Run {
  readonly members: Members;
  readonly random: SeededRandom;
  readonly clients: Client[];
  readonly pending: PendingGroup<unknown>[] = [];
  /** By generation and partition: the member that was assigned it. */
  readonly owners = new Map<string, string>();
  recordedGeneration = 0;
  liveGeneration = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    const config = { groupMaxSize: 5, offsetsRetentionCheckIntervalMs: 1e9 };
    this.members = new Members(config, { seed });
    this.clients = Array.from({ length: CLIENTS }, (_, i) => new Client(i < 2 ? `i${i}` : null));
  }

  step(): void {
    const { random, members } = this;
    const client = random.pick(this.clients);
    const roll = random.below(100);
    if (roll < 40) this.join(client);
    else if (roll < 65) this.sync(client);
    else if (roll < 75) this.beat(client);
    else if (roll < 80) this.leave(client);
    else if (roll < 83) this.forget(client);
    else if (roll < 95) members.advance(random.pick([0, 1, 500, 3_000, 6_000, SESSION_MS]));
    else if (roll < 96) members.advance(REBALANCE_MS);
    else if (roll < 97) this.delete();
    else this.crash();
    this.receiveAnswers();
    this.check();
  }

  join(client: Client): void {
    const { memberId, groupInstanceId } = client;
    if (this.random.chance(0.2)) client.topics = this.random.pick([["t"], ["t", "u"]]);
    const protocols = [{ name: "range", metadata: subscriptionTo(...client.topics) }];
    const version = this.random.pick([3, 5, 9]);
    const fields = { memberId, groupInstanceId, protocols, version };
    client.joining = this.members.join(fields);
    this.pending.push(client.joining);
  }

  /** Every client sends an assignment of one partition to each member; only the leader's counts. */
  sync(client: Client): void {
    const { memberId, generation, groupInstanceId } = client;
    const ids = [...(this.members.state.groups.has(GROUP) ? this.members.group.live.members : [])];
    const assignments = Object.fromEntries(ids.map(([id], i) => [id, `p${i}`]));
    const fields = { groupInstanceId };
    client.syncing = this.members.sync(memberId, generation, assignments, fields);
    this.pending.push(client.syncing);
  }

  beat({ memberId, generation, groupInstanceId }: Client): void {
    this.members.beat(memberId, generation, groupInstanceId);
  }

  leave(client: Client): void {
    const { memberId, groupInstanceId } = client;
    this.members.leave({ memberId, groupInstanceId });
    this.forget(client);
  }

  forget(client: Client): void {
    Object.assign(client, { memberId: "", generation: -1, joining: null, syncing: null });
  }

  delete(): void {
    const { answer } = this.members.run(deleteGroup(GROUP));
    if (answer !== ErrorCode.NONE) return;
    this.recordedGeneration = 0;
    this.liveGeneration = 0;
    this.owners.clear();
  }

  crash(): void {
    this.members.crash();
    this.liveGeneration = this.recordedGeneration;
  }

  /** Clients process the answers that they got. */
  receiveAnswers(): void {
    for (const client of this.clients) {
      if (client.joining?.answered) {
        const { errorCode, memberId, generationId } = client.joining.answer;
        client.joining = null;
        if (errorCode === ErrorCode.NONE) client.generation = generationId!;
        if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID) client.memberId = "";
        else if (memberId !== "") client.memberId = memberId;
      }
      if (client.syncing?.answered) {
        const { errorCode, assignment } = client.syncing.answer;
        client.syncing = null;
        if (errorCode === ErrorCode.NONE) this.own(client, text(assignment));
      }
    }
  }

  own({ generation, groupInstanceId, memberId }: Client, partition: string): void {
    if (partition === "") return;
    const key = `${generation}/${partition}`;
    const owner = groupInstanceId ?? memberId;
    expect(this.owners.get(key) ?? owner, `owner of ${key}`).toBe(owner);
    this.owners.set(key, owner);
  }

  check(): void {
    const { state, deadlines } = this.members;
    this.checkReplay(this.members.replayed());
    this.checkReplay(this.members.replayed(this.members.snapshot()));
    if (this.members.log.length % 8 === 0) {
      const half = Math.floor(this.members.log.length / 2);
      this.checkReplay(this.members.replayed(this.members.compacted()));
      this.checkReplay(this.members.replayed(this.members.compacted(half, true)));
    }
    if (!state.groups.has(GROUP)) return;
    const { live, recorded } = this.members.group;
    expect(recorded.generation).toBeGreaterThanOrEqual(this.recordedGeneration);
    expect(live.generation).toBeGreaterThanOrEqual(this.liveGeneration);
    this.recordedGeneration = recorded.generation;
    this.liveGeneration = live.generation;
    if (live.members.size === 0) expect(live.leader).toBeNull();
    else expect([...live.members.keys()]).toContain(live.leader);
    for (const { memberId, join, sync } of live.members.values()) {
      const session = `classic-session/${GROUP.length}/${GROUP}/${memberId}`;
      const alive = join !== null || sync !== null || deadlines.has(session);
      expect(alive, `${memberId} waits or has a session`).toBe(true);
    }
    if (live.state === "Empty" || live.state === "Stable") {
      expect(essence(live)).toEqual(essence(new LiveGroup(GROUP, recorded)));
    }
  }

  checkReplay(replayed: Members["state"]): void {
    const { groups } = this.members.state;
    expect([...replayed.groups.keys()]).toEqual([...groups.keys()]);
    const [group] = replayed.groups.values();
    if (group?.kind === "classic") {
      expect(group.recorded).toEqual(this.members.group.recorded);
    }
  }

  /** Without further requests, every waiting request gets its answer and the group gets empty. */
  end(): void {
    this.members.advance(10 * REBALANCE_MS);
    for (const { answered, lost } of this.pending) expect(answered || lost).toBe(true);
    if (!this.members.state.groups.has(GROUP)) return;
    expect(this.members.group.stateName).toBe("Empty");
    const { deadlines } = this.members;
    const others = deadlines.has("offset-expiry") ? 1 : 0;
    expect(deadlines.count, "nothing waits for an empty group").toBe(others);
  }
}

function essence(live: LiveGroup): unknown {
  const { state, generation, protocolType, protocol, leader } = live;
  const members = [...live.members.values()].map((member) => ({
    ...member,
    protocols: member.protocols.map(({ name }) => name),
  }));
  return { state, generation, protocolType, protocol, leader, members };
}

it("keeps its invariants in random histories with crashes", () => {
  const seed = seedOf("classic groups");
  for (let run = 0; run < RUNS; run++) {
    const world = new Run(seed + run);
    for (let step = 0; step < STEPS; step++) world.step();
    world.end();
  }
});

it("applying a snapshot twice changes nothing", () => {
  const members = new Members();
  members.stable(3);
  const { recorded } = members.group;
  const again: GroupRecord[] = members.snapshot();
  const state = members.replayed([...again, ...again]);
  members.loaded();
  expect(state.groups.get(GROUP)).toMatchObject({ recorded });
});
