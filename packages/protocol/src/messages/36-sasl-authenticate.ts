import { api, bytes, i16, i64, string } from "../schema.ts";

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
    sessionLifetimeMs: i64.default(0n).in("1+"),
  },
});
