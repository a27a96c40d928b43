const LOGIN_MODULE = /^\s*([\w.$]+)\s+(?:required|requisite|sufficient|optional)\b/i;
const OPTION = /\s+([\w.-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([^\s;"']+))/gy;

export interface LoginModule {
  /** The class without its package, such as ScramLoginModule. */
  readonly name: string;
  readonly options: ReadonlyMap<string, string>;
}

/** Reads Kafka's sasl.jaas.config; null if it is malformed. */
export function loginModuleOf(config: string): LoginModule | null {
  const head = LOGIN_MODULE.exec(config);
  if (head === null) return null;
  const options = new Map<string, string>();
  OPTION.lastIndex = head[0].length;
  let end = head[0].length;
  for (let match = OPTION.exec(config); match !== null; match = OPTION.exec(config)) {
    end = OPTION.lastIndex;
    const [, name = "", quoted = match[3], bare = ""] = [...match.slice(0, 3), match[4]];
    options.set(name, quoted?.replace(/\\(.)/g, "$1") ?? bare);
  }
  if (!/^\s*;\s*$/.test(config.slice(end))) return null;
  return { name: head[1]!.slice(head[1]!.lastIndexOf(".") + 1), options };
}
