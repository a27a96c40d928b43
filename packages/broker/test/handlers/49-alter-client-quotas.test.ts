import { AlterClientQuotas, DescribeClientQuotas, ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { WholeBroker } from "./whole-broker.ts";

type Names = Readonly<Record<string, string | null>>;

const { NONE, INVALID_REQUEST } = ErrorCode;

const entityOf = (names: Names) =>
  Object.entries(names).map(([entityType, entityName]) => ({ entityType, entityName }));

function entry(names: Names, ops: Readonly<Record<string, number | null>>) {
  const list = Object.entries(ops).map(([key, value]) => {
    return { key, value: value ?? 0, remove: value === null };
  });
  return { entity: entityOf(names), ops: list };
}

async function altering(broker: WholeBroker, entries: ReturnType<typeof entry>[], version = 1) {
  const request = { entries, validateOnly: false };
  return (await broker.call(AlterClientQuotas, version, request)).entries;
}

async function all(broker: WholeBroker) {
  const request = { components: [], strict: false };
  const { entries } = await broker.call(DescribeClientQuotas, 1, request);
  return entries!.map(({ entity, values }) => [
    entity.map((part) => `${part.entityType}=${part.entityName}`).join(" "),
    Object.fromEntries(values.map(({ key, value }) => [key, value])),
  ]);
}

describe.each([0, 1])("AlterClientQuotas v%i", (version) => {
  it("sets, changes and removes quotas, in one record each", async () => {
    const broker = await WholeBroker.start();
    const set = await altering(
      broker,
      [
        entry(
          { user: "a", "client-id": null },
          { producer_byte_rate: 1_000, request_percentage: 0.5 },
        ),
        entry({ ip: "::1" }, { connection_creation_rate: 5 }),
      ],
      version,
    );
    expect(set.map(({ errorCode }) => errorCode)).toEqual([NONE, NONE]);
    expect(await all(broker)).toEqual([
      ["client-id=null user=a", { producer_byte_rate: 1_000, request_percentage: 0.5 }],
      ["ip=::1", { connection_creation_rate: 5 }],
    ]);
    const { endOffset } = broker.metadata;
    const changed = [
      entry(
        { "client-id": null, user: "a" },
        { producer_byte_rate: 1_000, request_percentage: null },
      ),
      entry({ ip: "::1" }, { connection_creation_rate: null }),
      entry({ ip: null }, { connection_creation_rate: null }),
    ];
    await altering(broker, changed, version);
    expect(await all(broker)).toEqual([["client-id=null user=a", { producer_byte_rate: 1_000 }]]);
    // What was so already was not written again.
    expect(broker.metadata.endOffset - endOffset).toBe(2);
  });
});

it("AlterClientQuotas refuses what can't be limited, and changes nothing of that entity", async () => {
  const broker = await WholeBroker.start();
  const produce = { producer_byte_rate: 1 };
  const wrong = [
    entry({}, produce),
    entry({ group: "g" }, produce),
    entry({ user: "" }, produce),
    entry({ ip: "1.2.3.4", user: "a" }, { connection_creation_rate: 1 }),
    entry({ ip: "no-address" }, { connection_creation_rate: 1 }),
    entry({ ip: "1.2.3.4" }, produce),
    entry({ user: "a" }, { connection_creation_rate: 1 }),
    entry({ user: "b" }, { ...produce, nonsense: 1 }),
    entry({ user: "c" }, { producer_byte_rate: 0 }),
    entry({ user: "d" }, { producer_byte_rate: -1 }),
    entry({ user: "e" }, { producer_byte_rate: Number.NaN }),
    entry({ user: "f" }, { producer_byte_rate: 1.5 }),
    entry({ user: "g" }, { producer_byte_rate: 2 ** 64 }),
    entry({ ip: null }, { connection_creation_rate: 2 ** 31 }),
  ];
  for (const one of wrong) {
    const [result] = await altering(broker, [one]);
    expect(result, JSON.stringify(one)).toMatchObject({ errorCode: INVALID_REQUEST });
    expect(result!.errorMessage).toBeTruthy();
  }
  expect(await all(broker)).toEqual([]);
});

it("AlterClientQuotas carries out the first of two entries of an entity, as Kafka does", async () => {
  const broker = await WholeBroker.start();
  const twice = [
    entry({ user: "a" }, { producer_byte_rate: 1 }),
    entry({ user: "b" }, { producer_byte_rate: 2 }),
    entry({ user: "a" }, { producer_byte_rate: 3 }),
  ];
  const results = await altering(broker, twice);
  expect(results.map(({ entity, errorCode }) => [entity[0]!.entityName, errorCode])).toEqual([
    ["a", INVALID_REQUEST],
    ["b", NONE],
  ]);
  expect(await all(broker)).toEqual([
    ["user=a", { producer_byte_rate: 1 }],
    ["user=b", { producer_byte_rate: 2 }],
  ]);
  const op = { key: "request_percentage", value: 1, remove: false };
  const repeated = { entity: entityOf({ user: "c" }), ops: [op, op] };
  const [refused] = await altering(broker, [repeated]);
  expect(refused).toMatchObject({ errorCode: INVALID_REQUEST });
});

it("AlterClientQuotas with validateOnly changes nothing", async () => {
  const broker = await WholeBroker.start();
  const entries = [entry({ user: "a" }, { producer_byte_rate: 1 }), entry({}, {})];
  const request = { entries, validateOnly: true };
  const answer = await broker.call(AlterClientQuotas, 1, request);
  expect(answer.entries.map(({ errorCode }) => errorCode)).toEqual([NONE, INVALID_REQUEST]);
  expect(await all(broker)).toEqual([]);
});
