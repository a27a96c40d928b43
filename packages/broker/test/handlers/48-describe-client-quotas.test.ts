import { AlterClientQuotas, DescribeClientQuotas, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { WholeBroker } from "./whole-broker.ts";

const ENTITIES = [
  { user: "a" },
  { user: null },
  { user: "a", "client-id": "c" },
  { user: "a", "client-id": null },
  { user: null, "client-id": "c" },
  { "client-id": "c" },
  { "client-id": null },
  { ip: "1.2.3.4" },
  { ip: null },
] as const;

const EXACT = 0;
const DEFAULT = 1;
const SPECIFIED = 2;

type Component = readonly [entityType: string, matchType: number, match: string | null];

async function brokerWithAll() {
  const broker = await WholeBroker.start();
  const entries = ENTITIES.map((names) => ({
    entity: Object.entries(names).map(([entityType, entityName]) => ({ entityType, entityName })),
    ops: [
      {
        ...{ key: "ip" in names ? "connection_creation_rate" : "request_percentage" },
        ...{ value: 1, remove: false },
      },
    ],
  }));
  await broker.call(AlterClientQuotas, 1, { entries, validateOnly: false });
  return broker;
}

function filter(components: readonly Component[], strict: boolean) {
  return {
    components: components.map(([entityType, matchType, match]) => ({
      ...{ entityType, matchType, match },
    })),
    strict,
  };
}

const FILTERS: readonly (readonly [readonly Component[], strict: boolean, found: string[]])[] = [
  [[], true, []],
  [[["user", EXACT, "a"]], true, ["user=a"]],
  [[["user", EXACT, "a"]], false, ["user=a", "client-id=c user=a", "client-id=null user=a"]],
  [[["user", DEFAULT, null]], true, ["user=null"]],
  [[["user", SPECIFIED, null]], true, ["user=a", "user=null"]],
  [
    [
      ["client-id", SPECIFIED, null],
      ["user", EXACT, "a"],
    ],
    true,
    ["client-id=c user=a", "client-id=null user=a"],
  ],
  [
    [
      ["client-id", EXACT, "c"],
      ["user", DEFAULT, null],
    ],
    false,
    ["client-id=c user=null"],
  ],
  [[["ip", SPECIFIED, null]], false, ["ip=1.2.3.4", "ip=null"]],
  [[["ip", EXACT, "1.2.3.5"]], false, []],
];

it.each([0, 1])("DescribeClientQuotas v%i tells what fits the filter", async (version) => {
  const broker = await brokerWithAll();
  for (const [components, strict, found] of FILTERS) {
    const answer = await broker.call(DescribeClientQuotas, version, filter(components, strict));
    const told = answer.entries!.map(({ entity }) =>
      entity.map((part) => `${part.entityType}=${part.entityName}`).join(" "),
    );
    expect([answer.errorCode, told], JSON.stringify(components)).toEqual([0, found]);
  }
  const everything = await broker.call(DescribeClientQuotas, version, filter([], false));
  expect(everything.entries).toHaveLength(ENTITIES.length);
});

it("DescribeClientQuotas refuses filters that make no sense, as Kafka does", async () => {
  const broker = await brokerWithAll();
  const { INVALID_REQUEST, UNSUPPORTED_VERSION } = ErrorCode;
  const wrong: readonly (readonly [Component[], number])[] = [
    [[["", EXACT, "a"]], INVALID_REQUEST],
    [[["group", EXACT, "a"]], UNSUPPORTED_VERSION],
    [[["user", EXACT, null]], INVALID_REQUEST],
    [[["user", DEFAULT, "a"]], INVALID_REQUEST],
    [[["user", SPECIFIED, "a"]], INVALID_REQUEST],
    [[["user", 3, null]], INVALID_REQUEST],
    [
      [
        ["user", EXACT, "a"],
        ["user", DEFAULT, null],
      ],
      INVALID_REQUEST,
    ],
    [
      [
        ["ip", DEFAULT, null],
        ["client-id", DEFAULT, null],
      ],
      INVALID_REQUEST,
    ],
  ];
  for (const [components, errorCode] of wrong) {
    const answer = await broker.call(DescribeClientQuotas, 1, filter(components, false));
    expect(answer, JSON.stringify(components)).toMatchObject({ errorCode, entries: null });
  }
});
