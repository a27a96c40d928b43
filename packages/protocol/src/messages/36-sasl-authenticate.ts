/**
 * SaslAuthenticate, versions 0-2.
 *
 * - v0: baseline
 * - v1: session lifetime (KIP-368)
 * - v2: flexible
 */
import { api, bytes, i16, offset, string } from "../schema.ts";

export const SaslAuthenticate = api({
  key: 36,
  name: "SaslAuthenticate",
  versions: "0-2",
  flexible: "2+",
  request: {
    authBytes: bytes,
  },
  response: {
    errorCode: i16,
    errorMessage: string.nullable(),
    authBytes: bytes,
    sessionLifetimeMs: offset.default(0).in("1+"),
  },
});
