import { afterAll, it } from "vitest";
import { Barrier } from "../harness/barrier.ts";
import type { BrokerProcess, BrokerProcessOptions } from "../harness/broker-process.ts";
import type { Address } from "../harness/client-broker.ts";
import type { MemberProgram } from "../harness/group-member.ts";
import { GroupRun } from "../harness/group-run.ts";
import type { Peer } from "../harness/peers.ts";

/** The options of a member; see test/peers/<client>/member.*. */
export interface MemberRequest {
  readonly command: "member";
  readonly bootstrap: string;
  readonly group: string;
  readonly topic: string;
  readonly protocol: "classic" | "consumer";
  readonly assignor?: string;
  readonly instanceId?: string;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
}

/** Short time-outs, so that a test sees a member die. The consumer protocol uses the broker's. */
const SESSION_TIMEOUT_MS = 4_000;
const HEARTBEAT_INTERVAL_MS = 500;
const configs = {
  "group.initial.rebalance.delay.ms": 100,
  "group.min.session.timeout.ms": 1_000,
  "group.consumer.min.session.timeout.ms": 1_000,
  "group.consumer.session.timeout.ms": SESSION_TIMEOUT_MS,
  "group.consumer.min.heartbeat.interval.ms": 100,
  "group.consumer.heartbeat.interval.ms": HEARTBEAT_INTERVAL_MS,
};

export const GROUP_BROKER: BrokerProcessOptions = {
  flags: Object.entries(configs).flatMap(([name, value]) => ["--kafka", `${name}=${value}`]),
};

/** `npm run chaos` sets a higher number. */
const ROUNDS = Number(process.env.TARPAN_GROUP_ROUNDS ?? 1);
const TEST_LIMIT_MS = 90_000 + ROUNDS * 60_000;

type Where = { broker: BrokerProcess; address: Address };
type Kind = Pick<MemberRequest, "protocol" | "assignor"> & {
  /** Whether the member exits when it has no broker, and must be restarted, as kcat. */
  readonly endsWithBroker?: boolean;
  /** Whether a leaving member commits one more record of a partition without reporting it. */
  readonly leavingDropsOne?: boolean;
  /** Whether the client hands out records that it fetched before a rebalance took the partition. */
  readonly buffersThroughRejoins?: boolean;
  /** Whether the client commits offsets of partitions that it no longer owns. */
  readonly offsetsMayGoBack?: boolean;
};

/** A group whose members are programs of one client. */
export interface ClientGroup {
  /** Left out for a client that is never missing. */
  readonly peer?: Peer;
  readonly kind: Kind;
  client(request: MemberRequest): MemberProgram;
}

export function requestOf(run: GroupRun, { address }: Where, kind: Kind): MemberRequest {
  const { protocol, assignor } = kind;
  return {
    command: "member",
    bootstrap: address.bootstrap,
    group: run.groupId,
    topic: run.topic,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
    protocol,
    ...(assignor === undefined ? {} : { assignor }),
  };
}

/**
 * Groups of three members. One member is killed, one joins, the broker restarts, is killed and
 * restarts, one member leaves, and one joins, while records are produced. All groups run at the
 * same time on one broker, since they mostly wait; it restarts when all groups are ready for it.
 */
export function consumesThroughEverything(where: Where, groups: readonly ClientGroup[]): void {
  const here = groups.filter(({ peer }) => peer === undefined || peer.path !== "");
  const runs = new Map<ClientGroup, Promise<void>>();
  const cleanUps: (() => Promise<void>)[] = [];
  const beginAll = () => {
    const together = new Barrier(here.length);
    for (const group of here) {
      const run = new GroupRun(where.address, nameOf(group.kind), group.kind);
      cleanUps.push(() => run.killAll());
      const outcome = consumeThroughEverything(where, group, run, together);
      runs.set(group, outcome);
      // The group's own test reports the failure.
      outcome.catch(() => {}).finally(() => together.leave());
    }
  };
  for (const group of groups) {
    const test = group.peer?.it ?? it;
    test(
      `consumes everything, in the ${nameOf(group.kind)} protocol, whatever happens`,
      async () => {
        if (runs.size === 0) beginAll();
        await runs.get(group);
      },
      TEST_LIMIT_MS,
    );
  }
  afterAll(async () => {
    await Promise.all(cleanUps.map((cleanUp) => cleanUp()));
  });
}

function nameOf({ protocol, assignor }: Kind): string {
  return assignor === undefined ? protocol : `${protocol}-${assignor}`;
}

async function consumeThroughEverything(
  where: Where,
  { kind, client }: ClientGroup,
  run: GroupRun,
  together: Barrier,
): Promise<void> {
  const { broker, address } = where;
  const addMember = () => run.add(client(requestOf(run, where, kind)));
  const addThree = () => {
    for (let count = 0; count < 3; count++) addMember();
  };
  const whileItIsDown = async () => {
    if (!kind.endsWithBroker) return;
    await run.until("all members have ended", () => run.running.length === 0);
  };
  const isBack = async () => {
    if (kind.endsWithBroker) addThree();
    await run.progress();
  };
  const restartTwice = async () => {
    // A proxy accepts connections while its broker is down, unlike a broker.
    if (broker !== address) return;
    for (const ends of [() => broker.stop(), () => broker.kill9()]) {
      await together.do(ends);
      await whileItIsDown();
      await together.do(() => broker.start());
      await isBack();
    }
  };
  await run.begin();
  addThree();
  await run.shared(3);
  for (let round = 0; round < ROUNDS; round++) {
    await run.progress();
    await run.running[0]!.kill9();
    await run.shared(2);
    addMember();
    await run.shared(3);
    await restartTwice();
    await run.shared(3);
    await run.running[0]!.leave();
    await run.shared(2);
    addMember();
    await run.shared(3);
  }
  await run.finish();
}
