import { array, ErrorCode, i32, string } from "@tarpan/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { clusterController } from "../../src/cluster/cluster-controller.ts";
import { clusterOperations } from "../../src/cluster/cluster-operations.ts";
import { ControllerCaller } from "../../src/cluster/controller-caller.ts";
import { serveController } from "../../src/cluster/controller-server.ts";
import { LEAVE_TIMEOUT_MS, UNSUPPORTED_CALL_MS } from "../../src/cluster/limits.ts";
import { MemberFile } from "../../src/cluster/member-file.ts";
import { Membership } from "../../src/cluster/membership.ts";
import { MetadataFollower } from "../../src/cluster/metadata-follower.ts";
import { LogError } from "../../src/log/log-error.ts";
import type { LeaderLog } from "../../src/log/replication.ts";
import type { Logger } from "../../src/logging/logger.ts";
import { METADATA_LOG, METADATA_LOG_OPTIONS } from "../../src/metadata/metadata-log.ts";
import { type OperationTable, operation, remoteForm } from "../../src/metadata/operation.ts";
import { DONE } from "../../src/metadata/outcome.ts";
import { encodeRecord, topicRecord } from "../../src/metadata/records.ts";
import { controllerApi, outcome } from "../../src/rpc/messages/controller.ts";
import { UnregisterBroker } from "../../src/rpc/messages/index.ts";
import { appendRecords } from "../../src/state-machine/replay.ts";
import { StateMachineError } from "../../src/state-machine/replayed-state.ts";
import { KafkaError } from "../../src/util/kafka-error.ts";
import { MemoryFiles } from "../env/memory-files.ts";
import { World } from "../log/jetstream/world.ts";
import { type MemoryBus, MemoryNetwork, type RequestFate } from "../rpc/memory-bus.ts";
import { rpcOn } from "../rpc/rpc-on.ts";

/** Stands in for the controller: calls are counted, and the test says what each does. */
type Act = () => Promise<unknown>;

const errors: string[] = [];
const say = () => {};
const logger: Logger = { debug: say, info: say, warn: say, error: (line) => errors.push(line) };

describe("a call", () => {
  beforeEach(() => errors.splice(0));

  it("is made once when it succeeds, and returns when its effect can be seen", async () => {
    const { world, led, calls, remote, follower } = await callers(async () => {
      await appendRecords(led, led.leaderEpoch, 0, [RECORD]);
      return { firstProducerId: 4_000 };
    });
    expect(await world.run(remote.allocateProducerIds({ nodeId: 1 }))).toEqual({
      firstProducerId: 4_000,
    });
    expect(calls).toHaveLength(1);
    expect(follower.offset).toBe(1);
  });

  it("is made again when it is certain that nothing was done", async () => {
    const refusals = [
      () => new StateMachineError("TARPAN_STATE_OFFLINE", new LogError("fenced", "another")),
      () => new StateMachineError("TARPAN_STATE_OFFLINE", new LogError("fenced", "another")),
    ];
    const { world, calls, remote } = await callers(async () => {
      const refusal = refusals.pop();
      if (refusal !== undefined) throw refusal();
      return IDS;
    });
    expect(await world.run(remote.allocateProducerIds({ nodeId: 1 }))).toEqual(IDS);
    expect(calls).toHaveLength(3);
  });

  it("waits while no broker is the controller, and then gives up", async () => {
    const { world, calls, remote, stage } = await callers(async () => IDS);
    stage.isController = false;
    const calling = remote.allocateProducerIds({ nodeId: 1 });
    await world.pass(1_000);
    stage.isController = true;
    expect(await world.run(calling)).toEqual(IDS);
    stage.stop();
    const outcome = world.run(remote.unregisterBroker({ brokerId: 3 }));
    expect(await outcome).toMatchObject({ errorCode: ErrorCode.REQUEST_TIMED_OUT });
    expect((await outcome).errorMessage).toContain("nothing was changed");
    expect((await outcome).errorMessage).toContain("broker 1");
    expect(calls).toHaveLength(1);
  });

  it.each<RequestFate>(["lost", "answer lost"])(
    "is not made again when it was %s",
    async (fate) => {
      const { world, calls, remote, network } = await callers(async () => IDS);
      network.fateOf = () => fate;
      const calling = world.run(remote.allocateProducerIds({ nodeId: 1 }));
      await expect(calling).rejects.toBeInstanceOf(KafkaError);
      await expect(calling).rejects.toThrow("may have been made or not");
      expect(calls).toHaveLength(fate === "lost" ? 0 : 1);
    },
  );

  it("is not made again when the controller does not know its outcome", async () => {
    const unknown = new StateMachineError("TARPAN_STATE_OFFLINE", new LogError("offline", "away"));
    const { world, calls, remote } = await callers(() => Promise.reject(unknown));
    const outcome = await world.run(remote.unregisterBroker({ brokerId: 3 }));
    expect(outcome.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(calls).toHaveLength(1);
    expect(errors).toEqual([]);
  });

  it("ends when this broker does not see its effect in time", async () => {
    const { world, led, remote, follower } = await callers(async () => {
      await appendRecords(led, led.leaderEpoch, 0, [RECORD]);
      return { topics: [] };
    });
    await world.run(follower.close());
    const sinceMs = world.time.monotonicMs();
    const created = await world.run(remote.createTopics({ topics: [SPEC], ...OPTIONS }));
    expect(created.topics[0]!.errorCode).toBe(ErrorCode.REQUEST_TIMED_OUT);
    await world.run(remote.leaveCluster({ brokerId: 2, incarnationId: "life" }));
    expect(world.time.monotonicMs() - sinceMs).toBeLessThan(40_000 + LEAVE_TIMEOUT_MS);
  });

  it("that registers a broker is made until it succeeds", async () => {
    let left = 3;
    const { world, calls, remote } = await callers(async () => {
      if (left-- > 0) throw new StateMachineError("TARPAN_STATE_OFFLINE", new Error("away"));
      return DONE;
    });
    const at = {
      host: "here",
      port: 9092,
      rack: null,
      endPoints: null,
      unclean: false,
      returning: false,
    };
    const broker = { id: 2, incarnationId: "life", features: [], ...at };
    await world.run(remote.registerBroker(broker));
    expect(calls).toHaveLength(4);
  });
});

const CreateAcls = controllerApi({
  ...{ key: 20_000, name: "CreateAcls", versions: "0" },
  request: { acls: array(string) },
  response: { ...outcome, created: i32 },
});

/** The table of a release that has one row more. */
const nextTable = {
  ...clusterOperations,
  createAcls: operation({
    api: CreateAcls,
    decide: async (_: unknown, { acls }) => ({ ...DONE, created: acls.length }),
    refuse: (outcome) => ({ ...outcome, created: 0 }),
  }),
};

describe("a new row of the table", () => {
  const request = { acls: ["User:a", "User:b"] };

  it("is called like the others, wherever the controller is", async () => {
    const act = async () => ({ ...DONE, created: 2 });
    const { world, caller, calls, stage } = await callers(act, nextTable);
    const remote = remoteForm(nextTable, caller.call.bind(caller));
    expect(await world.run(remote.createAcls(request))).toEqual({ ...DONE, created: 2 });
    expect(calls).toEqual(["createAcls"]);
    stage.isController = false;
    const refused = { errorCode: ErrorCode.REQUEST_TIMED_OUT, created: 0 };
    expect(await world.run(remote.createAcls(request))).toMatchObject(refused);
  });

  it("waits for a controller that has it, and says that this one has not", async () => {
    const { world, caller, calls } = await callers(async () => ({ ...DONE, created: 2 }));
    const remote = remoteForm(nextTable, caller.call.bind(caller));
    const sinceMs = world.time.monotonicMs();
    const answer = await world.run(remote.createAcls(request));
    expect(answer).toMatchObject({ errorCode: ErrorCode.UNSUPPORTED_VERSION, created: 0 });
    expect(answer.errorMessage).toMatch(/nothing was changed.*broker 1, is of a release/);
    expect(world.time.monotonicMs() - sinceMs).toBeLessThan(UNSUPPORTED_CALL_MS + 1_000);
    expect(calls).toEqual([]);
  });

  it("is repeated while the controller's broker starts or stops", async () => {
    const act = async () => ({ ...DONE, created: 2 });
    const { world, caller, stage } = await callers(act, nextTable);
    const remote = remoteForm(nextTable, caller.call.bind(caller));
    stage.endServing();
    const calling = remote.createAcls(request);
    await world.pass(UNSUPPORTED_CALL_MS / 2);
    stage.serve();
    expect(await world.run(calling)).toEqual({ ...DONE, created: 2 });
  });
});

describe("the controller's server", () => {
  beforeEach(() => errors.splice(0));

  it("says what it did not do, and calls a bug one", async () => {
    let failure: Error = new StateMachineError("TARPAN_STATE_OFFLINE", new LogError("fenced", ""));
    const { world, rpc, stage } = await callers(() => Promise.reject(failure));
    const ask = () => world.run(rpc.call(UnregisterBroker, 1, { brokerId: 3 }, 5_000));
    const nothing = { metadataEnd: -1, response: null };
    expect(await ask()).toMatchObject({ errorCode: ErrorCode.NOT_CONTROLLER, ...nothing });
    failure = new TypeError("a bug");
    expect(await ask()).toMatchObject({ errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, ...nothing });
    expect(errors).toHaveLength(1);
    stage.isController = false;
    expect(await ask()).toMatchObject({ errorCode: ErrorCode.NOT_CONTROLLER, ...nothing });
    stage.stop();
    await expect(ask()).rejects.toMatchObject({ kind: "not-done" });
  });
});

const IDS = { firstProducerId: 7 };
const RECORD = encodeRecord(topicRecord("a", "11111111-1111-1111-1111-111111111111"));
const SPEC = { name: "a", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
const OPTIONS = { validateOnly: false, internal: false };

/** Broker 1 serves as the controller, broker 2 calls it. */
async function callers(act: Act, table: OperationTable<never> = clusterOperations) {
  const world = new World();
  const network = new MemoryNetwork(world.time);
  const [own, other] = [network.bus("1"), network.bus("2")] as [MemoryBus, MemoryBus];
  const env = { clock: world.time, timers: world.time };
  const ownRpc = rpcOn(own, 1, world.time, logger);
  const rpc = rpcOn(other, 2, world.time, logger);
  const [engine, second] = [world.engine(), world.engine()];
  await world.run(engine.replication.provision(METADATA_LOG, METADATA_LOG_OPTIONS));
  const led: LeaderLog = await world.run(
    engine.replication.lead(METADATA_LOG, METADATA_LOG_OPTIONS),
  );
  const calls: string[] = [];
  const acts = Object.keys(table).map((name) => {
    const record = () => {
      calls.push(name);
      return act();
    };
    return [name, record];
  });
  const controller = Object.fromEntries(acts);
  const stage = { isController: true, stop: () => {}, serve: () => {}, endServing: () => {} };
  const served = {
    controller,
    get endOffset() {
      return led.endOffset;
    },
  };
  stage.serve = () => {
    const active = () => (stage.isController ? served : null);
    stage.endServing = serveController(ownRpc, table, logger, active);
  };
  stage.serve();
  stage.stop = () => {
    stage.endServing();
    ownRpc.close();
  };
  const speaker = new Membership(env, ownRpc);
  speaker.start();
  speaker.announce(() => ({
    ...{ brokerId: 1, incarnationId: "first", controllerEpoch: 0, followerRead: false },
    ...{ metadataEnd: led.endOffset, metadataReplicas: [], clusterId: "test" },
  }));
  const membership = new Membership(env, rpc);
  membership.start();
  const files = new MemoryFiles();
  const log = await world.run(second.replication.follow(METADATA_LOG, METADATA_LOG_OPTIONS));
  const follower = new MetadataFollower(log, { env, logger, onImage: () => {} });
  follower.start();
  membership.onHeartbeat(({ metadataEnd }) => follower.noteEnd(metadataEnd));
  const caller = new ControllerCaller({ env, rpc, membership, follower });
  const stopping = new AbortController().signal;
  const remote = clusterController(caller, { env, stopping, file: new MemberFile(files, "/") });
  await world.pass(1_000);
  return { world, network, rpc, led, calls, caller, remote, follower, stage };
}
