// Kafka's `ssl.principal.mapping.rules`: who the owner of a certificate is.

/** Returns the name of a principal for a certificate's distinguished name; null if no rule fits. */
export type PrincipalMapper = (distinguishedName: string) => string | null;

interface Rule {
  /** Null: the name as it is. */
  readonly pattern: RegExp | null;
  readonly replacement: string;
  readonly letters: string;
}

const RULE = /^(?:(DEFAULT)|RULE:((?:\\.|[^\\/])*)\/((?:\\.|[^\\/])*)\/([LU]?))\s*(?:,\s*|$)/;

/** Throws an Error that quotes the wrong rule. */
export function principalMapper(rules: string): PrincipalMapper {
  const parsed: Rule[] = [];
  for (let rest = rules.trim(); rest !== ""; ) {
    const match = RULE.exec(rest);
    if (match === null) throw new Error(`not a rule: ${rest}`);
    parsed.push(ruleOf(match));
    rest = rest.slice(match[0].length);
  }
  return (name) => {
    for (const rule of parsed) {
      const mapped = applyRule(rule, name);
      if (mapped !== null) return mapped;
    }
    return null;
  };
}

function ruleOf([
  ,
  isDefault,
  pattern = "",
  replacement = "",
  letters = "",
]: RegExpExecArray): Rule {
  if (isDefault !== undefined) return { pattern: null, replacement, letters };
  return { pattern: new RegExp(`^(?:${pattern})$`, "s"), replacement, letters };
}

function applyRule({ pattern, replacement, letters }: Rule, name: string): string | null {
  if (pattern === null) return name;
  const groups = pattern.exec(name);
  if (groups === null) return null;
  const mapped = expand(replacement, groups);
  if (letters === "L") return mapped.toLowerCase();
  return letters === "U" ? mapped.toUpperCase() : mapped;
}

/** `$12` is group 12, or group 1 and a 2 if there are fewer; `$5` stays if there is no group 5. */
function expand(replacement: string, groups: RegExpExecArray): string {
  return replacement.replace(/\\(.)|\$(\d+)/g, (text, escaped?: string, digits = "") => {
    if (escaped !== undefined) return escaped;
    for (let length = digits.length; length > 0; length--) {
      const index = Number(digits.slice(0, length));
      if (index < groups.length) return `${groups[index] ?? ""}${digits.slice(length)}`;
    }
    return text;
  });
}
