/**
 * Compares the message schemas of @tarpan/protocol with Kafka's own definitions:
 *
 *     npx tsx --conditions=tarpan-source scripts/check-messages.ts FOLDER...
 *
 * A folder is searched, with its subfolders, for Kafka's message JSON
 * (`clients/src/main/resources/common/message`, `metadata/src/main/resources/common/metadata` and
 * `group-coordinator/src/main/resources/common/message` of a Kafka checkout). For every version a
 * schema describes, the two must have the same fields in the same order, with the same type,
 * nullability, tag and default. A schema whose definition is in no folder is listed, and is a
 * failure if it is a request or a response. Requests of which Kafka has later versions are listed.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type AnyField,
  apis,
  consumerProtocolRecords,
  type Definition,
  Field,
  type Fields,
  groupRecords,
  includes,
  metadataRecords,
  OWN_TAGS,
  type Range,
  rangeOf,
  type Schema,
  ZERO_UUID,
} from "@tarpan/protocol";

interface KafkaField {
  name: string;
  type: string;
  versions?: Range;
  taggedVersions?: Range;
  nullableVersions?: Range;
  tag?: number;
  default?: string | number | boolean | null;
  fields?: KafkaField[];
}

interface KafkaMessage {
  /** Absent for a struct that is only part of messages. */
  apiKey?: number;
  name: string;
  validVersions: Range;
  /** The highest version is not served yet. */
  latestVersionUnstable?: boolean;
  flexibleVersions: Range;
  fields: KafkaField[];
  commonStructs?: { name: string; fields: KafkaField[] }[];
}

interface Ours {
  file: string;
  key: number;
  versions: Range;
  flexible: Range;
  fields: Fields;
}

const KINDS: Readonly<Record<string, readonly string[]>> = {
  int8: ["i8"],
  int16: ["i16"],
  uint16: ["u16"],
  int32: ["i32"],
  uint32: ["u32"],
  int64: ["offset", "i64"],
  float64: ["f64"],
};

const problems: string[] = [];
const missing: string[] = [];
const behind: string[] = [];

function load(folders: readonly string[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const folder of folders)
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
      if (entry.isFile() && entry.name.endsWith(".json"))
        files.set(entry.name, join(entry.parentPath, entry.name));
  return files;
}

function parse(path: string): KafkaMessage {
  return JSON.parse(readFileSync(path, "utf8").replace(/^\s*\/\/.*$/gm, "")) as KafkaMessage;
}

/** A default as text, so that 0x7fffffff, "2147483647" and 2147483647n compare as equal. */
function kafkaDefault(field: KafkaField, kind: string): string {
  const text = String(field.default === undefined ? "" : field.default).trim();
  if (kind === "records" || text === "null") return "null";
  if (kind === "array" || kind === "struct" || kind === "bytes" || kind === "string") return text;
  if (kind === "bool") return text === "" ? "false" : text.toLowerCase();
  if (kind === "uuid") return text;
  return text === "" ? "0" : String(BigInt(text));
}

function ourDefault({ kind, fallback }: Definition): string {
  if (fallback !== undefined && fallback !== ZERO_UUID) return String(fallback);
  if (kind === "array" || kind === "struct" || kind === "bytes" || kind === "string") return "";
  if (kind === "bool") return "false";
  return kind === "uuid" ? "" : "0";
}

class Comparison {
  readonly #ours: Ours;
  readonly #version: number;
  readonly #structs: ReadonlyMap<string, KafkaField[]>;

  constructor(ours: Ours, theirs: KafkaMessage, version: number) {
    this.#ours = ours;
    this.#version = version;
    this.#structs = new Map(theirs.commonStructs?.map(({ name, fields }) => [name, fields]));
  }

  #problem(path: string, text: string): void {
    problems.push(`${this.#ours.file} v${this.#version} ${path}: ${text}`);
  }

  #expect(path: string, what: string, ours: unknown, theirs: unknown): void {
    if (ours !== theirs) this.#problem(path, `${what} is ${ours}, Kafka's is ${theirs}`);
  }

  fields(ours: Fields, theirs: readonly KafkaField[], path: string): void {
    const version = this.#version;
    const present = theirs.filter((f) => includes(f.versions ?? f.taggedVersions!, version));
    const names = present.map(({ name }) => name.charAt(0).toLowerCase() + name.slice(1));
    const ourNames = Object.keys(ours).filter((name) => {
      const { versions = "0+", tag = 0 } = ours[name]!.definition;
      return includes(versions, version) && tag < OWN_TAGS;
    });
    this.#expect(path || "(top)", "the list of fields", ourNames.join(" "), names.join(" "));
    present.forEach((field, i) => {
      const our = ours[names[i]!];
      if (our !== undefined) this.#field(our, field, `${path}${names[i]}`);
    });
  }

  #field({ definition }: AnyField, theirs: KafkaField, path: string): void {
    const version = this.#version;
    this.#type(definition, theirs.type, theirs, path);
    const { kind } = definition;
    const nullable =
      kind === "records" ? "0+" : ((theirs.nullableVersions ?? "none") satisfies Range);
    const ourNullable = includes(definition.nullable ?? "none", version);
    this.#expect(path, "nullability", ourNullable, includes(nullable, version));
    const isTagged = includes(theirs.taggedVersions ?? "none", version);
    this.#expect(path, "the tag", definition.tag, isTagged ? theirs.tag : undefined);
    this.#expect(path, "the default", ourDefault(definition), kafkaDefault(theirs, kind));
  }

  #type(ours: Definition, type: string, field: KafkaField, path: string): void {
    if (type.startsWith("[]")) {
      this.#expect(path, "the type", ours.kind, "array");
      if (ours.kind === "array") this.#element(ours.of!, type.slice(2), field, path);
    } else if (/^[A-Z]/.test(type)) {
      this.#expect(path, "the type", ours.kind, "struct");
      if (ours.kind === "struct") this.#struct(ours.of as Fields, type, field, path);
    } else if (!(KINDS[type] ?? [type]).includes(ours.kind)) {
      this.#problem(path, `the type is ${ours.kind}, Kafka's is ${type}`);
    }
  }

  #element(ours: Schema, type: string, field: KafkaField, path: string): void {
    if (ours instanceof Field) this.#type(ours.definition, type, field, path);
    else if (/^[A-Z]/.test(type)) this.#struct(ours, type, field, path);
    else this.#problem(path, `the elements are structs, Kafka's are ${type}`);
  }

  #struct(ours: Fields, type: string, field: KafkaField, path: string): void {
    const fields = field.fields ?? this.#structs.get(type);
    if (fields === undefined) this.#problem(path, `Kafka's struct ${type} was not found`);
    else this.fields(ours, fields, `${path}.`);
  }
}

function check(ours: Ours, theirs: KafkaMessage): void {
  if (theirs.apiKey !== undefined && ours.key !== theirs.apiKey)
    problems.push(`${ours.file}: the key is ${ours.key}, Kafka's is ${theirs.apiKey}`);
  const { min, max } = rangeOf(ours.versions);
  const theirMax = rangeOf(theirs.validVersions).max - (theirs.latestVersionUnstable ? 1 : 0);
  if (ours.file.endsWith("Request.json") && max < theirMax)
    behind.push(`${ours.file} v${max} (v${theirMax})`);
  for (let version = min; version <= max; version++) {
    if (!includes(theirs.validVersions, version))
      problems.push(`${ours.file} v${version}: Kafka has only ${theirs.validVersions}`);
    if (includes(ours.flexible, version) !== includes(theirs.flexibleVersions, version))
      problems.push(`${ours.file} v${version}: whether it is flexible differs from Kafka`);
    new Comparison(ours, theirs, version).fields(ours.fields, theirs.fields, "");
  }
}

function all(): Ours[] {
  const sides = apis.flatMap(({ name, key, versions, flexible, request, response }) => [
    { file: `${name}Request.json`, key, versions, flexible, fields: request as Fields },
    { file: `${name}Response.json`, key, versions, flexible, fields: response as Fields },
  ]);
  const records = [
    ...Object.values(metadataRecords),
    ...Object.values(consumerProtocolRecords),
  ].map((record) => ({ ...record, file: `${record.name}.json` }));
  // Kafka does not have Tarpan's own records (ADR 37).
  const known = Object.entries(groupRecords).filter(([, { type }]) => type < OWN_TAGS);
  const groups = known.flatMap(([name, { type, key, value }]): Ours[] => [
    { file: `${name}Key.json`, key: type, versions: "0", flexible: "none", fields: key },
    { file: `${name}Value.json`, key: type, ...value },
  ]);
  return [...sides, ...records, ...groups];
}

const folders = process.argv.slice(2);
if (folders.length === 0) {
  console.error("usage: check-messages.ts FOLDER...   (folders of Kafka's message JSON)");
  process.exit(2);
}
const files = load(folders);
let checked = 0;
for (const ours of all()) {
  const path = files.get(ours.file);
  if (path === undefined) {
    missing.push(ours.file);
    continue;
  }
  check(ours, parse(path));
  checked += 1;
}
const failures = [
  ...problems,
  ...missing.filter((file) => !file.endsWith("Record.json")).map((file) => `${file} not found`),
];
for (const failure of failures) console.error(failure);
if (missing.length > 0) console.log(`Not in the folders given: ${missing.join(", ")}`);
if (behind.length > 0) console.log(`Kafka has later versions of ${behind.join(", ")}`);
console.log(`${checked} messages checked, ${failures.length} problems.`);
process.exitCode = failures.length === 0 ? 0 : 1;
