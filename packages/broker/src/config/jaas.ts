import { ValueError } from "./values.ts";

const LOGIN_MODULE = /^\s*([\w.$]+)\s+(?:required|requisite|sufficient|optional)\b/i;
const OPTION = /\s+([\w.-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([^\s;"']+))/gy;

/**
 * The users in a JAAS config of Kafka's PlainLoginModule: `user_alice="secret"` each. Throws
 * ValueError, which never quotes the config: it contains passwords.
 */
export function usersInJaas(config: string): ReadonlyMap<string, string> {
  const users = new Map<string, string>();
  const head = LOGIN_MODULE.exec(config);
  if (head === null) throw malformed("must begin like the name of a login module and required");
  OPTION.lastIndex = head[0].length;
  let end = head[0].length;
  for (let match = OPTION.exec(config); match !== null; match = OPTION.exec(config)) {
    end = OPTION.lastIndex;
    const [, name = "", quoted = match[3]] = match;
    const value = quoted?.replace(/\\(.)/g, "$1") ?? match[4] ?? "";
    if (name.startsWith("user_")) users.set(name.slice("user_".length), value);
  }
  if (!/^\s*;\s*$/.test(config.slice(end))) throw malformed("its options must end with ;");
  return users;
}

function malformed(what: string): ValueError {
  return new ValueError(`sasl.jaas.config: ${what}`);
}
