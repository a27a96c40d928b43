import type { MetadataImage } from "../../src/metadata/image.ts";
import { metadataMachine } from "../../src/metadata/machine.ts";

/** An image as text: equal for equal images, whatever the order of changes that led to them. */
export function textOf(image: MetadataImage): string {
  const records = [...metadataMachine.snapshot(image)]
    .flat()
    .map((record) => JSON.stringify(record, plain));
  return records.sort().join("\n");
}

function plain(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return value instanceof Map ? [...value] : value;
}
