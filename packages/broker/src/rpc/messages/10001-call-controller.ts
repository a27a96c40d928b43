/**
 * CallController, version 0: an operation for the controller to carry out.
 *
 * - v0: baseline; request and response of the operation are opaque here
 *
 * An error code of NOT_CONTROLLER says that nothing was done. Any other comes of the controller's
 * log: what was asked could not be done, or nobody knows.
 */
import { api, bytes, i16, offset, string } from "@tarpan/protocol";

export const CallController = api({
  key: 10_001,
  name: "CallController",
  versions: "0",
  flexible: "0+",
  request: {
    operation: string,
    request: bytes,
  },
  response: {
    errorCode: i16,
    errorMessage: string.nullable(),
    /** Up to here the response is true of the metadata. */
    metadataEnd: offset,
    response: bytes,
  },
});
