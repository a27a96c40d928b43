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
