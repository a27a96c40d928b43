import type { MetadataImage } from "../../src/metadata/image.ts";
import { metadataMachine } from "../../src/metadata/machine.ts";

/** What an image says, whichever way it was come by. */
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
