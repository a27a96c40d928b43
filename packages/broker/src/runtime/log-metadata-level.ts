import type { Logger } from "../logging/logger.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { writtenLevel } from "../metadata/metadata-level.ts";
import { addedBy } from "../metadata/record-levels.ts";

/** Says when there is no way back to older releases. Returns a function that ends this. */
export function logMetadataLevel(metadata: Metadata, logger: Logger): () => void {
  let known = writtenLevel(metadata.image);
  return metadata.onChange((_, image) => {
    const level = writtenLevel(image);
    if (level === known) return;
    known = level;
    logger.info(
      `the metadata is at level ${level} now (${addedBy(level)}): releases that read only lower ` +
        "levels can't be started with it any more",
    );
  });
}
