import { api, array, i8, i16, i32, string } from "../schema.ts";

export const FindCoordinator = api({
  key: 10,
  name: "FindCoordinator",
  versions: "0-6",
  flexible: "3+",
  request: {
    key: string.in("0-3"),
    keyType: i8.default(0).in("1+"),
    coordinatorKeys: array(string).in("4+"),
  },
  response: {
    throttleTimeMs: i32.default(0).in("1+"),
    errorCode: i16.in("0-3"),
    errorMessage: string.nullable().in("1-3"),
    nodeId: i32.in("0-3"),
    host: string.in("0-3"),
    port: i32.in("0-3"),
    coordinators: array({
      key: string,
      nodeId: i32,
      host: string,
      port: i32,
      errorCode: i16,
      errorMessage: string.nullable(),
    }).in("4+"),
  },
});
