// JSON, and Maps, which plans are made of.

const MAP = "$map";

export function encodeValue(value: unknown): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify(value, (_, part) => (part instanceof Map ? { [MAP]: [...part] } : part)) ??
      "null",
  );
}

/** Throws for bytes that no broker has sent. */
export function decodeValue(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes), (_, part) =>
    part !== null && typeof part === "object" && MAP in part ? new Map(part[MAP]) : part,
  );
}
