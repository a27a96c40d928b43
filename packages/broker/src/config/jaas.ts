import { ValueError } from "./values.ts";

const LOGIN_MODULE = /^\s*([\w.$]+)\s+(?:required|requisite|sufficient|optional)\b/i;
const OPTION = /\s+([\w.-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([^\s;"']+))/gy;

/**
 * The options in a JAAS config: `NAME="VALUE"` each. Throws ValueError, which never quotes the
 * config: it contains passwords.
 */
export function jaasOptions(config: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  const head = LOGIN_MODULE.exec(config);
  if (head === null) throw malformed("must begin like the name of a login module and required");
  OPTION.lastIndex = head[0].length;
  let end = head[0].length;
  for (let match = OPTION.exec(config); match !== null; match = OPTION.exec(config)) {
    end = OPTION.lastIndex;
    const [, name = "", quoted = match[3]] = match;
    options.set(name, quoted?.replace(/\\(.)/g, "$1") ?? match[4] ?? "");
  }
  if (!/^\s*;\s*$/.test(config.slice(end))) throw malformed("its options must end with ;");
  return options;
}

/** The users in a JAAS config of Kafka's PlainLoginModule: `user_alice="secret"` each. */
export function usersInJaas(config: string): ReadonlyMap<string, string> {
  const users = [...jaasOptions(config)].filter(([name]) => name.startsWith("user_"));
  return new Map(users.map(([name, password]) => [name.slice("user_".length), password]));
}

function malformed(what: string): ValueError {
  return new ValueError(`sasl.jaas.config: ${what}`);
}
