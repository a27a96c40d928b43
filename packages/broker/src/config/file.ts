import type { LineCounter, Node, YAMLMap } from "yaml";
import { ConfigError } from "./config-error.ts";
import { KAFKA_PREFIX } from "./keys.ts";

/** One value of a file: nested names joined with dots, and its position (`broker.yaml:12`). */
export interface FileEntry {
  readonly name: string;
  readonly value: unknown;
  readonly where: string;
}

/**
 * Reads YAML and JSON, which is YAML to this parser, so that errors of both have line numbers.
 * `isKey` distinguishes keys from sections: a mapping that is the value of a key stays whole.
 */
export async function readConfigFile(
  path: string,
  source: string,
  isKey: (name: string) => boolean,
): Promise<FileEntry[]> {
  // Loaded on demand: it takes 34 ms and 8 MiB, which a start without a file does not need.
  const yaml = await import("yaml");
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(source, { lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line } = lines.linePos(error.pos[0]);
    throw new ConfigError(`${path}:${line}: ${error.message.split(/ at line|\n/)[0]}`);
  }
  const entries: FileEntry[] = [];
  const { contents } = document;
  if (contents === null) return entries;
  if (!yaml.isMap(contents))
    throw new ConfigError(
      `${path}:1: must be a mapping of keys to values, such as "bind_port: 9092"`,
    );

  const walk = (map: YAMLMap, prefix: string) => {
    for (const { key, value } of map.items) {
      const name = `${prefix}${String(yaml.isScalar(key) ? key.value : key)}`;
      const where = `${path}:${lineOf(key as Node, lines)}`;
      if (yaml.isMap(value) && (!isKey(name) || name.startsWith(KAFKA_PREFIX)))
        walk(value, `${name}.`);
      else {
        const plain = yaml.isNode(value) ? value.toJS(document) : value;
        entries.push({ name, value: plain, where });
      }
    }
  };
  walk(contents, "");
  return entries;
}

function lineOf(node: Node, lines: LineCounter): number {
  return lines.linePos(node.range?.[0] ?? 0).line;
}
