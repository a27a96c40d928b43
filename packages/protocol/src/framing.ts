/** Whole requests and responses, and the headers they begin with. */
export { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "./frames.ts";
export {
  type RequestHeader,
  readRequestHeader,
  readResponseHeader,
  requestHeaderVersion,
  responseHeaderVersion,
  writeRequestHeader,
  writeResponseHeader,
} from "./headers.ts";
