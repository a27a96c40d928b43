/**
 * SaslHandshake, versions 0-1.
 *
 * - v0: raw SASL tokens follow on the connection
 * - v1: tokens follow in SaslAuthenticate requests (KIP-152)
 *
 * Never flexible: clients send it before they know versions.
 */
import { api, array, i16, string } from "../schema.ts";

export const SaslHandshake = api({
  key: 17,
  name: "SaslHandshake",
  versions: "0-1",
  flexible: "none",
  request: {
    mechanism: string,
  },
  response: {
    errorCode: i16,
    mechanisms: array(string),
  },
});
