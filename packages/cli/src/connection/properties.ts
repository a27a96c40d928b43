// The format of Java's property files, as Kafka's client.properties.

/** The last value of a key counts. */
export function parseProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (const line of logicalLines(text)) {
    const [, key = "", value = ""] = /^((?:\\.|[^\\:=\s])*)\s*[:=]?\s*(.*)$/s.exec(line)!;
    if (key !== "") properties.set(unescaped(key), unescaped(value));
  }
  return properties;
}

/** Lines without comments; a line that ends with a backslash goes on in the next one. */
function* logicalLines(text: string): Generator<string> {
  let before = "";
  for (const line of text.split(/\r\n|\r|\n/)) {
    const trimmed = line.trimStart();
    if (before === "" && (trimmed === "" || /^[#!]/.test(trimmed))) continue;
    const backslashes = /\\*$/.exec(trimmed)![0].length;
    const goesOn = backslashes % 2 === 1;
    before += goesOn ? trimmed.slice(0, -1) : trimmed;
    if (goesOn) continue;
    yield before;
    before = "";
  }
  if (before !== "") yield before;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f" };

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-f]{4})|(.))/gis, (_, code?: string, letter = "") =>
    code === undefined
      ? (ESCAPES[letter] ?? letter)
      : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
