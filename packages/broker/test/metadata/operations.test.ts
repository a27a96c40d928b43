import { ErrorCode, i32, string } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { LogError } from "../../src/log/log-error.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { LocalController } from "../../src/metadata/local-controller.ts";
import { METADATA_LOG } from "../../src/metadata/metadata-log.ts";
import {
  type Call,
  localForm,
  operation,
  remoteForm,
  servedForm,
} from "../../src/metadata/operation.ts";
import { type Deciding, operations } from "../../src/metadata/operations.ts";
import { DONE, refused } from "../../src/metadata/outcome.ts";
import { featureRecord } from "../../src/metadata/records.ts";
import { controllerApi, outcome } from "../../src/rpc/messages/controller.ts";
import { StateMachineError } from "../../src/state-machine/replayed-state.ts";
import { KafkaError } from "../../src/util/kafka-error.ts";
import { FakeHost, LOG_OPTIONS, testEnv } from "./support.ts";

/** All code that a new operation needs. */
const setFeature = operation({
  api: controllerApi({
    ...{ key: 20_000, name: "SetFeature", versions: "0" },
    request: { name: string, level: i32 },
    response: { ...outcome, before: i32 },
  }),
  decide: ({ decide }: Deciding, { name, level }) =>
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

  it("is served to other brokers, and rejects if the change could not be stored", async () => {
    const { context, failAppends } = await controller();
    const served = servedForm({ setFeature }, context);
    expect(await served.setFeature({ name: "f", level: 3 })).toEqual({ ...DONE, before: 0 });
    failAppends(new LogError("fenced", "another leads"));
    const failing = served.setFeature({ name: "f", level: 4 });
    await expect(failing).rejects.toBeInstanceOf(StateMachineError);
  });

  it("is called by other brokers, through its message", async () => {
    const { local, context } = await controller();
    const parts = { ...servedForm(operations, local), ...servedForm({ setFeature }, context) };
    const calls: unknown[] = [];
    const call: Call = async ({ name }, request, timeoutMs) => {
      calls.push([name, timeoutMs]);
      const row = Object.keys(table).find((row) => titled(row) === name);
      return parts[row as keyof typeof parts](request as never);
    };
    const remote = remoteForm(table, call);
    expect(await remote.setFeature({ name: "f", level: 3 })).toEqual({ ...DONE, before: 0 });
    await remote.electLeaders({ type: 0, partitions: null, timeoutMs: 70 });
    expect(calls).toEqual([
      ["SetFeature", undefined],
      ["ElectLeaders", 70],
    ]);
  });

  it("answers with the given outcome if the controller can't be called", async () => {
    const outcome = refused(ErrorCode.REQUEST_TIMED_OUT, "nobody is there");
    const remote = remoteForm(table, () =>
      Promise.reject(new KafkaError(outcome.errorCode, outcome.errorMessage)),
    );
    const feature = await remote.setFeature({ name: "f", level: 3 });
    expect(feature).toEqual({ ...outcome, before: -1 });
    // This operation has no response for a refusal, so it rejects.
    const ids = remote.allocateProducerIds({ nodeId: 1 });
    await expect(ids).rejects.toBeInstanceOf(KafkaError);
  });

  it("rejects with the original error if that is a bug", async () => {
    const bug = new TypeError("a bug");
    const remote = remoteForm(table, () => Promise.reject(bug));
    await expect(remote.setFeature({ name: "f", level: 3 })).rejects.toBe(bug);
    const local = localForm({ setFeature }, { decide: () => Promise.reject(bug) });
    await expect(local.setFeature({ name: "f", level: 3 })).rejects.toBe(bug);
  });
});

function titled(row: string): string {
  return row[0]!.toUpperCase() + row.slice(1);
}

async function controller() {
  const log = await new MemoryEngine(testEnv()).create(METADATA_LOG, LOG_OPTIONS);
  const options = { log, host: new FakeHost(), env: testEnv(), nodeId: 1, kafkaConfigs: {} };
  const local = await LocalController.open(options);
  const context: Deciding = { decide: local.decide.bind(local) };
  const failAppends = (error: LogError) => {
    log.append = () => Promise.reject(error);
  };
  return { local, context, failAppends };
}
