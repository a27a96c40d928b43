import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { LogError } from "../../src/log/log-error.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { ControllerUnavailable } from "../../src/metadata/controller-unavailable.ts";
import { LocalController } from "../../src/metadata/local-controller.ts";
import {
  type Call,
  localForm,
  operation,
  operationNamed,
  remoteForm,
  servedForm,
} from "../../src/metadata/operation.ts";
import { type Deciding, operations } from "../../src/metadata/operations.ts";
import { DONE, refused } from "../../src/metadata/outcome.ts";
import { featureRecord } from "../../src/metadata/records.ts";
import { StateMachineError } from "../../src/state-machine/replayed.ts";
import { FakeHost, LOG_OPTIONS, METADATA_LOG, spec, testEnv } from "./support.ts";

/** All that a new operation takes. */
const setFeature = operation({
  decide: ({ decide }: Deciding, { name, level }: { readonly name: string; level: number }) =>
    decide((image) => {
      const before = image.features.get(name) ?? 0;
      return { records: [featureRecord(name, level)], response: { ...DONE, before } };
    }),
  refuse: (outcome) => ({ ...outcome, before: -1 }),
});

const table = { ...operations, setFeature };

describe("a row of the table", () => {
  it("is carried out by a broker that is its own controller", async () => {
    const { local, context, failAppends } = await controller();
    const form = localForm({ setFeature }, context);
    expect(await form.setFeature({ name: "f", level: 3 })).toEqual({ ...DONE, before: 0 });
    expect(local.image.features.get("f")).toBe(3);
    failAppends(new LogError("unknown", "no answer"));
    expect(await form.setFeature({ name: "f", level: 4 })).toEqual({
      ...refused(ErrorCode.REQUEST_TIMED_OUT, "no answer"),
      before: -1,
    });
  });

  it("is served to others, who are told apart what could not be stored", async () => {
    const { context, failAppends } = await controller();
    const served = servedForm({ setFeature }, context);
    const carryOut = operationNamed(served, "setFeature")!;
    expect(await carryOut({ name: "f", level: 3 })).toEqual({ ...DONE, before: 0 });
    failAppends(new LogError("fenced", "another leads"));
    await expect(carryOut({ name: "f", level: 4 })).rejects.toBeInstanceOf(StateMachineError);
    expect(operationNamed(served, "toString")).toBeUndefined();
    expect(operationNamed(served, "constructor")).toBeUndefined();
  });

  it("is called from elsewhere, through anything that carries plain values", async () => {
    const { local, context } = await controller();
    const parts = { ...servedForm(operations, local), ...servedForm({ setFeature }, context) };
    const calls: unknown[] = [];
    const call: Call = async (name, request, timeoutMs) => {
      calls.push([name, timeoutMs]);
      return asPlain(await operationNamed(parts, name)!(asPlain(request)));
    };
    const remote = remoteForm(table, call);
    expect(await remote.setFeature({ name: "f", level: 3 })).toEqual({ ...DONE, before: 0 });
    await remote.electLeaders({ type: 0, partitions: null, timeoutMs: 70 });
    expect(calls).toEqual([
      ["setFeature", undefined],
      ["electLeaders", 70],
    ]);
  });

  it("says what it is told when the controller can't be asked", async () => {
    const outcome = refused(ErrorCode.REQUEST_TIMED_OUT, "nobody is there");
    const remote = remoteForm(table, () => Promise.reject(new ControllerUnavailable(outcome)));
    const feature = await remote.setFeature({ name: "f", level: 3 });
    expect(feature).toEqual({ ...outcome, before: -1 });
    // Nothing can be said in the place of ids.
    const ids = remote.allocateProducerIds({ nodeId: 1 });
    await expect(ids).rejects.toBeInstanceOf(ControllerUnavailable);
  });

  it("keeps a bug one", async () => {
    const bug = new TypeError("a bug");
    const remote = remoteForm(table, () => Promise.reject(bug));
    await expect(remote.setFeature({ name: "f", level: 3 })).rejects.toBe(bug);
    const local = localForm({ setFeature }, { decide: () => Promise.reject(bug) });
    await expect(local.setFeature({ name: "f", level: 3 })).rejects.toBe(bug);
  });
});

it("requests and responses of the controller are plain values", async () => {
  const { local } = await controller();
  const form = localForm(operations, local);
  const at = { id: 1, incarnationId: "11111111-1111-1111-1111-111111111111", unclean: false };
  const set = { name: "retention.ms", operation: 0, value: "5" };
  const configs = [{ name: "retention.ms", value: "1" }];
  const topics = [spec("t", { configs }), spec("t_"), spec("t.")];
  const partitions = [{ partitionIndex: 0, replicas: [1] }];
  const responses = [
    await form.registerBroker({ ...at, host: "h", port: 1, rack: null }),
    await form.allocateProducerIds({ nodeId: 1 }),
    await form.createTopics({ topics, validateOnly: false, internal: false }),
    await form.createOffsetsTopic({}),
    await form.createPartitions({
      topics: [{ name: "t", count: 2, assignments: null }],
      validateOnly: false,
    }),
    await form.alterConfigs({
      resources: [{ type: 2, name: "t", replace: false, changes: [set] }],
      validateOnly: false,
      nodeId: 1,
    }),
    await form.electLeaders({ type: 0, partitions: null, timeoutMs: 1 }),
    await form.alterReassignments({
      topics: [{ name: "t", partitions }],
      allowReplicationFactorChange: false,
      timeoutMs: 1,
    }),
    await form.listReassignments({ topics: null }),
    await form.unregisterBroker({ brokerId: 1 }),
    await form.quorum({}),
    await form.deleteTopics({ topics: [{ name: "t", id: null }] }),
  ];
  expect(responses).toHaveLength(Object.keys(operations).length);
  for (const response of responses) expect(asPlain(response)).toStrictEqual(response);
});

function asPlain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

async function controller() {
  const log = await new MemoryEngine().create(METADATA_LOG, LOG_OPTIONS);
  const options = { log, host: new FakeHost(), env: testEnv(), nodeId: 1, kafkaConfigs: {} };
  const local = await LocalController.open(options);
  const context: Deciding = { decide: local.decide.bind(local) };
  const failAppends = (error: LogError) => {
    log.append = () => Promise.reject(error);
  };
  return { local, context, failAppends };
}
