import { Admin, Client } from "@tarpan/client";
import { expect, it, onTestFinished } from "vitest";
import { BrokerProcess, tarpanProgram } from "../harness/broker-process.ts";
import { clusterIt } from "../harness/cluster-engine.ts";
import type { ClusterNode } from "../harness/cluster-node.ts";
import { nextRelease } from "../harness/next-release.ts";
import { temporaryDirectory } from "../harness/temp.ts";
import { isLong, limitMs } from "./chaos.ts";
import { RollingUpgrade } from "./rolling-upgrade.ts";

const TOO_NEW =
  /\ntarpan: the metadata is at level 5, and this release reads the metadata up to level 4: .*\n$/;

it("a broker can't go back to a release that does not read its metadata, and says so", async () => {
  const broker = new BrokerProcess({ program: await nextRelease() });
  onTestFinished(() => broker.kill9());
  await broker.start();
  const client = new Client({ bootstrap: broker.bootstrap });
  const quota = { producer_byte_rate: 1e6 };
  await new Admin(client).alterClientQuotas({ user: "alice" }, quota);
  await client.close();
  expect(await broker.stop()).toBe(0);
  broker.program = tarpanProgram;
  await expect(broker.start()).rejects.toThrow("ended with 78 before it was ready");
  expect(broker.output).toMatch(TOO_NEW);
});

const levels = async (node: ClusterNode) => {
  const { metadataLevel, metadataLevelSupported, brokers } = await node.status();
  const told = brokers.map((broker) => (broker as { metadataLevel?: unknown }).metadataLevel);
  return { written: metadataLevel, supported: metadataLevelSupported, told };
};

const inLongForm: typeof clusterIt = isLong ? clusterIt : () => {};

inLongForm(
  "waits for the last broker with what only the next release reads",
  async () => {
    const upgrade = new RollingUpgrade(await temporaryDirectory(), {
      from: tarpanProgram,
      to: await nextRelease(),
    });
    const { cluster } = upgrade;
    await cluster.start();
    const [first, second, last] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode];
    await upgrade.upgrade(first);
    await upgrade.upgrade(second);
    await upgrade.controlledBy(first, second);
    const needs = /quotas need level 5 of the metadata, but broker 3 reads up to level 4: upgrade/;
    await upgrade.refused(first, needs, "quota");
    await upgrade.refused(last, needs, "quota");
    await upgrade.changed(last, "user");
    await upgrade.changed(first, "acl");
    await upgrade.isWell();
    expect(await levels(first)).toEqual({ written: 3, supported: 4, told: [5, 5, 4] });

    expect(await last.stop()).toBe(0);
    await upgrade.refused(second, needs, "quota");
    await last.start();
    await upgrade.upgrade(last);
    await upgrade.changed(last, "quota");
    await upgrade.isWell();
    expect(await levels(first)).toEqual({ written: 5, supported: 5, told: [5, 5, 5] });

    // The way back.
    await expect(upgrade.goBack(last)).rejects.toThrow("ended with 78 before it was ready");
    expect(last.broker.output).toMatch(TOO_NEW);
    await upgrade.upgrade(last);
    await upgrade.isWell();
  },
  limitMs(),
);

// Such as that of commit d230dd28, which has neither ACLs, nor users, nor quotas.
const older = process.env.TARPAN_OLDER_PROGRAM ?? "";

inLongForm(
  "waits for the last broker of a release without levels",
  async (context) => {
    if (older === "") return context.skip("TARPAN_OLDER_PROGRAM names no program");
    const upgrade = new RollingUpgrade(await temporaryDirectory(), {
      from: older,
      to: tarpanProgram,
    });
    const { cluster } = upgrade;
    await cluster.start();
    const [first, second, last] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode];
    await upgrade.upgrade(first);
    await upgrade.controlledBy(second, last);
    await upgrade.refused(first, /the controller, broker ., is of a release that can't do/, "user");
    await upgrade.isWell();
    await upgrade.upgrade(second);
    await upgrade.controlledBy(first, second);
    const needs = /but broker 3 is of a release without levels: upgrade and restart it first/;
    for (const node of [first, second]) await upgrade.refused(node, needs, "user", "acl", "quota");
    await upgrade.isWell();
    expect(await levels(first)).toEqual({ written: 1, supported: 1, told: [4, 4, null] });

    // The way back is open as long as nothing was written that the older release can't read.
    await upgrade.goBack(second);
    await upgrade.isWell();
    await upgrade.upgrade(second);
    await upgrade.upgrade(last);
    await upgrade.controlledBy(first, second, last);
    await upgrade.changed(last, "user", "acl", "quota");
    await upgrade.isWell();
    expect(await levels(first)).toEqual({ written: 4, supported: 4, told: [4, 4, 4] });
  },
  limitMs(),
);
