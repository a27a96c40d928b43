import { describe, expect, test } from "vitest";
import { BrokerStatus } from "../../src/admin/broker-status.ts";
import type { ClusterAccess } from "../../src/cluster/cluster-access.ts";
import type { Metadata } from "../../src/metadata/metadata.ts";
import { History, incarnationOf } from "../metadata/cluster.ts";

interface Situation {
  readonly storageProblem?: string;
  readonly engineProblem?: string;
  readonly controllerId?: number;
  readonly nodeId?: number;
  readonly incarnationId?: string;
  readonly fenced?: boolean;
  readonly serving?: boolean;
  readonly isolated?: boolean;
  readonly groupsProblem?: string;
  readonly certificateProblem?: string | null;
  readonly keysOutage?: string | null;
}

/** The readiness of broker 2 of a healthy cluster of two, except for the given problems. */
function readiness({
  storageProblem,
  engineProblem,
  fenced,
  serving = true,
  isolated = false,
  groupsProblem,
  certificateProblem = null,
  keysOutage = null,
  ...metadata
}: Situation) {
  const history = new History();
  history.register(1);
  history.register(2);
  if (fenced) history.fence(2);
  const own = { nodeId: 2, controllerId: 1, failure: null, incarnationId: incarnationOf(2) };
  const leadership = { isExpired: isolated };
  const status = new BrokerStatus({
    engine: { problem: storageProblem ?? null },
    cluster: { problem: engineProblem ?? null } as ClusterAccess,
    metadata: { ...own, ...metadata, leadership, image: history.image } as unknown as Metadata,
    partitions: { all: () => [] },
    isServing: () => serving,
    groupsProblem: () => groupsProblem ?? null,
    certificates: () => [{ problem: null }, { problem: certificateProblem }],
    tokenKeys: () => [{ outage: null }, { outage: keysOutage }],
  } as unknown as ConstructorParameters<typeof BrokerStatus>[0]);
  return status.readiness();
}

describe("a broker of a cluster is ready", () => {
  test("when it is registered and nothing is wrong", () => {
    expect(readiness({})).toEqual({ ready: true, reasons: [] });
  });

  test.each([
    ["its disk is full", /^the disk is full$/, { storageProblem: "the disk is full" }],
    ["its engine has a problem", /^engine: it hangs$/, { engineProblem: "it hangs" }],
    ["there is no controller", /no controller/, { controllerId: -1 }],
    ["it is not registered", /^not registered/, { nodeId: 3 }],
    ["an earlier incarnation of it is", /^not registered/, { incarnationId: "another" }],
    ["it is isolated", /^isolated: heartbeats come from fewer than half/, { isolated: true }],
    ["it is fenced", /fenced: the controller gets no heartbeats/, { fenced: true }],
    ["its groups are unreadable", /^groups are lost$/, { groupsProblem: "groups are lost" }],
    ["a certificate can't be read", /^it is broken$/, { certificateProblem: "it is broken" }],
    ["no token can be checked", /^no keys$/, { keysOutage: "no keys" }],
    ["it starts or stops", /^the broker is starting or stopping$/, { serving: false }],
  ] as const)("not when %s", (_what, reason, situation) => {
    const { ready, reasons } = readiness(situation);
    expect([ready, reasons]).toEqual([false, [expect.stringMatching(reason)]]);
  });
});
