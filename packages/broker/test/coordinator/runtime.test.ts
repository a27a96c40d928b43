import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import {
  COORDINATOR_WAIT_MS,
  RELOAD_DELAY_MS,
  REOPEN_DELAY_MS,
} from "../../src/coordinator/limits.ts";
import { partitionOf } from "../../src/coordinator/partition-of.ts";
import { LogError } from "../../src/log/log-error.ts";
import { EMPTY_IMAGE } from "../../src/metadata/image.ts";
import { Latch } from "../../src/util/latch.ts";
import { add, FORGET_AFTER_MS, nextOf } from "./counter.ts";
import { CounterBroker, CounterCluster } from "./counter-cluster.ts";

/** A key of partition 0 and a key of partition 1, of two partitions. */
const [A, B] = ["a", "b"].sort((x, y) => partitionOf(x, 2) - partitionOf(y, 2)) as [string, string];

const refusal = (errorCode: number) => expect.objectContaining({ errorCode });

/** Runs every promise that can settle without the clock. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

describe("a coordinator's runtime", () => {
  it("serves the partitions that its broker leads, and names the leader of the others", async () => {
    expect([partitionOf(A, 2), partitionOf(B, 2)]).toEqual([0, 1]);
    const cluster = await CounterCluster.of([1, 2]);
    const [one, two] = [1, 2].map((id) => new CounterBroker(cluster, id).readMetadata().runtime);
    expect([one!.coordinatorOf(A), one!.coordinatorOf(B)]).toEqual([1, 2]);
    expect(await one!.run(A, add(A, 5))).toBe(5);
    expect(await two!.run(B, add(B, 6))).toBe(6);
    await expect(one!.run(B, add(B, 1))).rejects.toEqual(refusal(ErrorCode.NOT_COORDINATOR));
  });

  it("lets requests wait for a running load, and then runs them in their order", async () => {
    const cluster = await CounterCluster.of([1]);
    const broker = new CounterBroker(cluster, 1);
    broker.opening = new Latch();
    const { runtime } = broker.readMetadata();
    await expect(runtime.runIfLoaded(A, add(A, 0))).rejects.toEqual(
      refusal(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS),
    );
    const answers = [1, 2, 3].map((by) => runtime.run(A, add(A, by)));
    await settle();
    expect(runtime.isLoaded).toBe(false);
    broker.open();
    broker.opening.open();
    expect(await Promise.all(answers)).toEqual([1, 3, 6]);
    expect(await runtime.runIfLoaded(A, add(A, 0))).toBe(6);
  });

  it("refuses a request that has waited COORDINATOR_WAIT_MS for a load", async () => {
    const cluster = await CounterCluster.of([1]);
    const broker = new CounterBroker(cluster, 1);
    broker.opening = new Latch();
    const refused = expect(broker.readMetadata().runtime.run(A, add(A, 1))).rejects.toEqual(
      refusal(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS),
    );
    await settle();
    cluster.time.advance(COORDINATOR_WAIT_MS);
    await refused;
  });

  it("tries again to load a shard that could not be loaded", async () => {
    const cluster = await CounterCluster.of([1]);
    const broker = new CounterBroker(cluster, 1);
    broker.opening = new Latch();
    const { runtime } = broker.readMetadata();
    broker.opening.open();
    await settle();
    const answer = runtime.run(A, add(A, 1));
    broker.open();
    cluster.time.advance(REOPEN_DELAY_MS);
    expect(await answer).toBe(1);
  });

  it("says why a shard can't be loaded, until it is", async () => {
    const cluster = await CounterCluster.of([1]);
    const [log] = cluster.logs;
    await new CounterBroker(cluster, 1).readMetadata().runtime.run(A, add(A, 5));
    const read = log!.read.bind(log);
    log!.read = () => Promise.reject(new LogError("corrupt", "offsets 0 to 0 are damaged"));
    const broker = new CounterBroker(cluster, 1).readMetadata();
    for (let attempt = 0; attempt < 3; attempt++) {
      await settle();
      const problem =
        "the counter coordinator can't be loaded from __counters-0: offsets 0 to 0 are damaged";
      expect(broker.runtime.problem).toBe(problem);
      cluster.time.advance(RELOAD_DELAY_MS);
    }
    await settle();
    log!.read = read;
    cluster.time.advance(RELOAD_DELAY_MS);
    await settle();
    expect(broker.runtime.problem).toBeNull();
    expect(await broker.runtime.run(A, add(A, 1))).toBe(6);
  });

  it("continues from the records of the former leader, which is fenced", async () => {
    const cluster = await CounterCluster.of([1]);
    const [one, two] = [1, 2].map((id) => new CounterBroker(cluster, id).readMetadata());
    expect(await one!.runtime.run(A, add(A, 5))).toBe(5);
    const waiting = one!.runtime.run(A, nextOf(A));
    cluster.setLeaders([2]);
    expect(await two!.readMetadata().runtime.run(A, add(A, 1))).toBe(6);
    // Broker 1 has not read yet that broker 2 leads: the log fences its append, and the waiting
    // request is refused.
    const late = one!.runtime.run(A, add(A, 100));
    await expect(late).rejects.toEqual(refusal(ErrorCode.NOT_COORDINATOR));
    await expect(waiting).rejects.toEqual(refusal(ErrorCode.NOT_COORDINATOR));
    one!.readMetadata();
    await expect(one!.runtime.run(A, add(A, 1))).rejects.toEqual(
      refusal(ErrorCode.NOT_COORDINATOR),
    );
    cluster.setLeaders([1]);
    two!.readMetadata();
    expect(await one!.readMetadata().runtime.run(A, add(A, 1))).toBe(7);
  });

  it("closes the shards that it no longer leads, or leads in a new leader epoch", async () => {
    const cluster = await CounterCluster.of([1]);
    const broker = new CounterBroker(cluster, 1).readMetadata();
    expect(await broker.runtime.run(A, add(A, 5))).toBe(5);
    const waiting = broker.runtime.run(A, nextOf(A));
    cluster.setLeaders([2]);
    broker.readMetadata();
    await expect(waiting).rejects.toEqual(refusal(ErrorCode.NOT_COORDINATOR));
    cluster.setLeaders([1]);
    broker.readMetadata();
    expect(await broker.runtime.run(A, add(A, 1))).toBe(6);
    const again = broker.runtime.run(A, nextOf(A));
    cluster.setLeaders([2]);
    cluster.setLeaders([1]);
    broker.readMetadata();
    await expect(again).rejects.toEqual(refusal(ErrorCode.NOT_COORDINATOR));
    expect(await broker.runtime.run(A, add(A, 1))).toBe(7);
  });

  it("loads the log of its own leader epoch, not of the one before", async () => {
    const cluster = await CounterCluster.of([1]);
    const broker = new CounterBroker(cluster, 1).readMetadata();
    expect(await broker.runtime.run(A, add(A, 5))).toBe(5);
    cluster.setLeaders([2]);
    cluster.setLeaders([1]);
    // The partition of the former leader epoch is still open when the broker reads the new epoch.
    broker.opening = new Latch();
    broker.readMetadata();
    broker.opening.open();
    const answer = broker.runtime.run(A, add(A, 1));
    await settle();
    expect(broker.runtime.isLoaded).toBe(false);
    broker.open();
    cluster.time.advance(REOPEN_DELAY_MS);
    expect(await answer).toBe(6);
  });

  it("fires the deadlines of state that another broker recorded", async () => {
    const cluster = await CounterCluster.of([1]);
    const [one, two] = [1, 2].map((id) => new CounterBroker(cluster, id).readMetadata());
    await one!.runtime.run(A, add(A, 5));
    cluster.setLeaders([2]);
    one!.readMetadata();
    expect(await two!.readMetadata().runtime.run(A, (turn, reply) => turn.reply(reply, 0))).toBe(0);
    cluster.time.advance(FORGET_AFTER_MS);
    expect(await two!.runtime.run(A, add(A, 1))).toBe(1);
  });

  it("loads a failed shard anew without a request: its deadlines go on", async () => {
    const cluster = await CounterCluster.of([1]);
    const { runtime } = new CounterBroker(cluster, 1).readMetadata();
    await runtime.run(A, add(A, 1));
    const { append } = cluster.logs[0]!;
    cluster.logs[0]!.append = async () => {
      throw new LogError("offline", "no answer");
    };
    await expect(runtime.run(A, add(A, 1))).rejects.toEqual(refusal(ErrorCode.NOT_COORDINATOR));
    cluster.logs[0]!.append = append;
    expect(runtime.isLoaded).toBe(false);
    cluster.time.advance(RELOAD_DELAY_MS);
    await settle();
    expect(runtime.isLoaded).toBe(true);
  });

  it("keeps its leader epochs while its broker is isolated", async () => {
    const cluster = await CounterCluster.of([1]);
    const broker = new CounterBroker(cluster, 1).readMetadata();
    broker.isolated = true;
    expect(broker.runtime.leaderEpochOf(A)).toBe(0);
    cluster.setLeaders([2]);
    broker.readMetadata();
    expect(broker.runtime.leaderEpochOf(A)).toBe(null);
  });

  it("loads a failed shard anew when a request needs it", async () => {
    const cluster = await CounterCluster.of([1]);
    const { runtime } = new CounterBroker(cluster, 1).readMetadata();
    expect(await runtime.run(A, add(A, 5))).toBe(5);
    const log = cluster.logs[0]!;
    const real = log.append;
    log.append = () => Promise.reject(new LogError("offline", "the disk is gone"));
    await expect(runtime.run(A, add(A, 1))).rejects.toEqual(refusal(ErrorCode.NOT_COORDINATOR));
    log.append = real;
    expect(runtime.isLoaded).toBe(false);
    expect(await runtime.run(A, add(A, 1))).toBe(6);
  });

  it("refuses requests while its broker is isolated: another broker may lead by now", async () => {
    const cluster = await CounterCluster.of([1]);
    const broker = new CounterBroker(cluster, 1).readMetadata();
    expect(await broker.runtime.run(A, add(A, 5))).toBe(5);
    broker.isolated = true;
    await expect(broker.runtime.run(A, add(A, 1))).rejects.toEqual(
      refusal(ErrorCode.NOT_COORDINATOR),
    );
    broker.isolated = false;
    expect(await broker.runtime.run(A, add(A, 1))).toBe(6);
  });

  it("tells its shards which topics were created and deleted", async () => {
    const cluster = await CounterCluster.of([1]);
    cluster.setTopic({ name: A, id: "topic-a", partitions: [] });
    const broker = new CounterBroker(cluster, 1).readMetadata();
    expect(await broker.runtime.run(A, add(A, 5))).toBe(5);
    cluster.removeTopic(A);
    broker.readMetadata();
    expect(await broker.runtime.run(A, add(A, 1))).toBe(1);
  });

  it("creates its topic and waits until the shards are loaded", async () => {
    const cluster = await CounterCluster.of([1]);
    cluster.image = EMPTY_IMAGE;
    const { runtime } = new CounterBroker(cluster, 1);
    expect(runtime.coordinatorOf(A)).toBe(-1);
    await expect(runtime.run(A, add(A, 1))).rejects.toEqual(
      refusal(ErrorCode.COORDINATOR_NOT_AVAILABLE),
    );
    expect(await runtime.ensureTopic()).toBe(ErrorCode.NONE);
    expect(await runtime.runIfLoaded(A, add(A, 1))).toBe(1);
  });

  it("runs an operation on the shard of a partition", async () => {
    const cluster = await CounterCluster.of([1, 1]);
    const { runtime } = new CounterBroker(cluster, 1).readMetadata();
    expect(runtime.partitionOf(B)).toBe(1);
    expect(await runtime.runOnPartition(1, add(B, 2))).toBe(2);
    expect(await runtime.run(B, add(B, 1))).toBe(3);
    const refused = runtime.runOnPartition(2, add(B, 1));
    await expect(refused).rejects.toEqual(refusal(ErrorCode.NOT_COORDINATOR));
  });

  it("runs an operation on all shards", async () => {
    const cluster = await CounterCluster.of([1, 1]);
    const broker = new CounterBroker(cluster, 1).readMetadata();
    await broker.runtime.run(A, add(A, 1));
    await broker.runtime.run(B, add(B, 2));
    const names = await broker.runtime.runOnAll<string[]>((turn, reply) =>
      turn.reply(reply, [...turn.state.counts.keys()]),
    );
    expect(names).toEqual([[A], [B]]);
  });

  it("refuses waiting and new requests once it is closed", async () => {
    const cluster = await CounterCluster.of([1]);
    const { runtime } = new CounterBroker(cluster, 1).readMetadata();
    await runtime.run(A, add(A, 1));
    const waiting = runtime.run(A, nextOf(A));
    runtime.close();
    const gone = refusal(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    await expect(waiting).rejects.toEqual(gone);
    await expect(runtime.run(A, add(A, 1))).rejects.toEqual(gone);
  });
});
