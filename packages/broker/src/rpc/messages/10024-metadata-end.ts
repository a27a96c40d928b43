/**
 * MetadataEnd, version 0: how far the metadata's log reaches; the envelope says it.
 *
 * - v0: baseline
 */
import { controllerApi } from "./controller.ts";

export const MetadataEnd = controllerApi({
  key: 10_024,
  name: "MetadataEnd",
  versions: "0",
  request: {},
  response: {},
});
