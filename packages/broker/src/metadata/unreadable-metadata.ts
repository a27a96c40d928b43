import { LATEST_LEVEL } from "./record-levels.ts";

/** A newer release has written the metadata. The message is one line and says what to do next. */
export class UnreadableMetadataError extends Error {
  readonly code = "TARPAN_METADATA_TOO_NEW";

  constructor(what: string, options?: { cause?: unknown }) {
    super(
      `${what}, and this release reads the metadata up to level ${LATEST_LEVEL}: a newer release ` +
        "has written it. Start that release or a later one; nothing was changed",
      options,
    );
    this.name = "UnreadableMetadataError";
  }
}
