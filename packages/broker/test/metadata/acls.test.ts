import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
  ErrorCode,
} from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { applyMetadata } from "../../src/metadata/apply.ts";
import { decideCreateAcls } from "../../src/metadata/decide-create-acls.ts";
import { decideDeleteAcls, findAcls } from "../../src/metadata/decide-delete-acls.ts";
import { deltaBetween } from "../../src/metadata/delta.ts";
import { EMPTY_IMAGE, type MetadataImage } from "../../src/metadata/image.ts";
import { MAX_ACLS_PER_REQUEST } from "../../src/metadata/limits.ts";
import { aclRecord, removeAclRecord } from "../../src/metadata/records.ts";
import { type Acl, type AclFilter, aclText, matches } from "../../src/security/acl.ts";
import { goOn } from "../../src/util/next-turn.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";

const ACL: Acl = {
  ...{ resourceType: AclResourceType.topic, resourceName: "t" },
  patternType: AclPatternType.literal,
  ...{ principal: "User:a", host: "*" },
  ...{ operation: AclOperation.read, permissionType: AclPermissionType.allow },
};
const ALL: AclFilter = {
  ...{ resourceType: AclResourceType.any, resourceName: null, patternType: AclPatternType.any },
  ...{ principal: null, host: null },
  ...{ operation: AclOperation.any, permissionType: AclPermissionType.any },
};

const random = new SeededRandom(1);
const create = (image: MetadataImage, acls: readonly Acl[]) => {
  const { records, response } = decideCreateAcls(image, acls, random);
  return { image: applyMetadata(image, records), records, response };
};
const deleting = async (
  image: MetadataImage,
  filters: readonly AclFilter[],
  before: MetadataImage = image,
) => decideDeleteAcls(image, filters, await findAcls(before, filters, goOn));
const codes = (outcomes: readonly { errorCode: number }[]) =>
  outcomes.map(({ errorCode }) => errorCode);
const imageOf = (...acls: readonly Acl[]) => create(EMPTY_IMAGE, acls).image;
const named = (resourceName: string): Acl => ({ ...ACL, resourceName });

describe("creating ACLs", () => {
  it("stores each once, however often it is created", () => {
    const first = create(EMPTY_IMAGE, [ACL, ACL, named("u")]);
    expect(codes(first.response)).toEqual([0, 0, 0]);
    expect(first.records).toHaveLength(2);
    const again = create(first.image, [named("u"), named("v")]);
    expect(codes(again.response)).toEqual([0, 0]);
    expect([...again.image.acls.values()]).toEqual([ACL, named("u"), named("v")]);
  });

  it.each<readonly [string, Partial<Acl>, number]>([
    ["any resource type", { resourceType: 1 }, ErrorCode.INVALID_REQUEST],
    ["an unknown resource type", { resourceType: 8 }, ErrorCode.INVALID_REQUEST],
    ["no resource name", { resourceName: "" }, ErrorCode.INVALID_REQUEST],
    ["another cluster", { resourceType: 4, resourceName: "c" }, ErrorCode.INVALID_REQUEST],
    ["the pattern type any", { patternType: 1 }, ErrorCode.INVALID_REQUEST],
    ["the pattern type match", { patternType: 2 }, ErrorCode.INVALID_REQUEST],
    ["an unknown pattern type", { patternType: 5 }, ErrorCode.INVALID_REQUEST],
    ["any operation", { operation: 1 }, ErrorCode.INVALID_REQUEST],
    ["an unknown operation", { operation: 16 }, ErrorCode.INVALID_REQUEST],
    ["any permission", { permissionType: 1 }, ErrorCode.INVALID_REQUEST],
    ["a principal without a type", { principal: "alice" }, ErrorCode.INVALID_REQUEST],
    ["no host", { host: "" }, ErrorCode.INVALID_REQUEST],
    ["a range of hosts", { host: "10.0.0.0/8" }, ErrorCode.UNSUPPORTED_VERSION],
  ])("refuses one with %s, and creates the others", (_, wrong, errorCode) => {
    const { image, response } = create(EMPTY_IMAGE, [named("a"), { ...ACL, ...wrong }, ACL]);
    expect(codes(response)).toEqual([0, errorCode, 0]);
    expect(response[1]!.errorMessage).not.toBeNull();
    expect([...image.acls.values()]).toEqual([named("a"), ACL]);
  });

  it("takes names with wildcards, colons and Unicode as they are", () => {
    const odd = [
      { ...named("*"), principal: "User:*" },
      { ...ACL, principal: "User:CN=ü,O=a:b" },
    ];
    expect([...create(EMPTY_IMAGE, odd).image.acls.values()]).toEqual(odd);
  });

  it("refuses a request with too many", () => {
    const many = Array.from({ length: MAX_ACLS_PER_REQUEST + 1 }, (_, i) => named(`t${i}`));
    const { records, response } = create(EMPTY_IMAGE, many);
    expect(records).toEqual([]);
    expect(new Set(codes(response))).toEqual(new Set([ErrorCode.INVALID_REQUEST]));
    expect(create(EMPTY_IMAGE, many.slice(1)).image.acls.size).toBe(MAX_ACLS_PER_REQUEST);
  });
});

describe("deleting ACLs", () => {
  const prefixed = { ...named("te"), patternType: AclPatternType.prefixed };
  const image = imageOf(ACL, named("test"), named("*"), prefixed);
  const match = AclPatternType.match;
  const { any, literal } = AclPatternType;

  it.each<readonly [string, Partial<AclFilter>, readonly Acl[]]>([
    ["everything", {}, [ACL, named("test"), named("*"), prefixed]],
    [
      "what applies to a name",
      { resourceName: "test", patternType: match },
      [named("test"), named("*"), prefixed],
    ],
    ["a name of any type", { resourceName: "te", patternType: any }, [prefixed]],
    ["a literal name", { resourceName: "te", patternType: literal }, []],
    ["literal ones", { patternType: literal }, [ACL, named("test"), named("*")]],
    [
      "all that apply to something",
      { patternType: match },
      [ACL, named("test"), named("*"), prefixed],
    ],
    ["another principal", { principal: "User:b" }, []],
    ["another host", { host: "10.0.0.1" }, []],
    ["another operation", { operation: AclOperation.write }, []],
    ["another permission", { permissionType: AclPermissionType.deny }, []],
    ["another resource type", { resourceType: AclResourceType.group }, []],
  ])("finds %s", async (_, filter, found) => {
    const { records, response } = await deleting(image, [{ ...ALL, ...filter }]);
    expect(response).toEqual([{ errorCode: 0, errorMessage: null, acls: found }]);
    expect(applyMetadata(image, records).acls.size).toBe(image.acls.size - found.length);
  });

  it("answers for each filter, and deletes what several match once", async () => {
    const wrong = [{ resourceType: 9 }, { patternType: 0 }, { operation: 16 }];
    const filters = [{}, { resourceName: "t" }, ...wrong, { permissionType: 4 }];
    const asked = filters.map((filter) => ({ ...ALL, ...filter }));
    const { records, response } = await deleting(image, asked);
    const { INVALID_REQUEST } = ErrorCode;
    expect(codes(response)).toEqual([0, 0, ...Array(4).fill(INVALID_REQUEST)]);
    expect(response[1]!.acls).toEqual([ACL]);
    expect(records).toHaveLength(4);
  });

  it("refuses a request that would delete too many", async () => {
    const many = Array.from({ length: MAX_ACLS_PER_REQUEST }, (_, i) => named(`t${i}`));
    const full = create(imageOf(...many), [named("one more")]).image;
    const { records, response } = await deleting(full, [ALL]);
    expect([records, codes(response)]).toEqual([[], [ErrorCode.INVALID_REQUEST]]);
  });
});

it("ACLs are found by their names and by filters, also those that changed since", async () => {
  const seeded = new SeededRandom(seedOf("found ACLs"));
  const texts = ["a", "ab", "b", "*"];
  const principals = ["User:a", "User:b"];
  const patterns = Object.values(AclPatternType);
  const randomAcl = (): Acl => ({
    ...{ ...ACL, resourceName: seeded.pick(texts), principal: seeded.pick(principals) },
    patternType: seeded.pick([AclPatternType.literal, AclPatternType.prefixed]),
    operation: seeded.pick([AclOperation.read, AclOperation.write]),
  });
  const randomFilter = (): AclFilter => ({
    ...{ ...ALL, resourceName: seeded.pick([...texts, null]), patternType: seeded.pick(patterns) },
    principal: seeded.pick([...principals, null]),
  });
  const images = [EMPTY_IMAGE];
  for (let step = 0; step < 300; step++) {
    const image = images.at(-1)!;
    const acls = Array.from({ length: seeded.below(4) }, randomAcl);
    const created = create(image, acls);
    const texts = new Set([...created.image.acls.values()].map(aclText));
    expect(texts.size).toBe(created.image.acls.size);
    const filters = Array.from({ length: 1 + seeded.below(3) }, randomFilter);
    const before = images[Math.max(0, images.length - 1 - seeded.below(5))]!;
    const { records, response } = await deleting(created.image, filters, before);
    for (const [i, filter] of filters.entries()) {
      const isValid = filter.patternType !== 0;
      const all = [...created.image.acls.values()];
      const expected = isValid ? all.filter((acl) => matches(filter, acl)) : [];
      expect(new Set(response[i]!.acls)).toEqual(new Set(expected));
    }
    const next = seeded.chance(0.5) ? applyMetadata(created.image, records) : created.image;
    images.push(next);
    const ids = new Map<string, string[]>();
    for (const [id, { resourceName }] of next.acls) {
      ids.set(resourceName, [...(ids.get(resourceName) ?? []), id].sort());
    }
    const indexed = [...next.aclIds].map(([name, list]) => [name, list.toSorted()] as const);
    expect(new Map(indexed)).toEqual(ids);
  }
});

describe("the records of ACLs", () => {
  it("make a delta of what was created and deleted", () => {
    const before = applyMetadata(EMPTY_IMAGE, [aclRecord("1", ACL), aclRecord("2", named("u"))]);
    const after = applyMetadata(before, [removeAclRecord("1"), aclRecord("3", named("v"))]);
    expect(deltaBetween(before, after).acls).toEqual([
      { before: ACL, now: null },
      { before: null, now: named("v") },
    ]);
  });

  it("can't delete what does not exist", () => {
    expect(() => applyMetadata(EMPTY_IMAGE, [removeAclRecord("1")])).toThrow("no ACL has the id 1");
  });
});
