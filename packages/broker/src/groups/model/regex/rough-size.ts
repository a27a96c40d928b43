const QUOTED = /\\Q.*?(?:\\E|$)/;
const ESCAPED = /\\[pPx]\{[^}]*\}|\\./;
const CLASS = /\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]/;
const BOUNDS = /\{(\d+)(?:,(\d*))?\}/;
const TOKEN = new RegExp(
  [QUOTED, ESCAPED, CLASS, BOUNDS, /./].map((r) => r.source).join("|"),
  "gs",
);

/**
 * About how many instructions `pattern` compiles to, told before it is compiled. Only `{m,n}` makes
 * many of few characters: a thousand times a group of a thousand.
 */
export function roughSize(pattern: string): number {
  // Of each group that is open: what stands in it, and the last of that.
  let open = { size: 0, last: 0 };
  const around: (typeof open)[] = [];
  for (const [token, min, max] of pattern.matchAll(TOKEN)) {
    if (token === "(") {
      around.push(open);
      open = { size: 0, last: 0 };
    } else if (token === ")") {
      // The group is the last of what stands around it.
      const last = open.size + 1;
      open = around.pop() ?? { size: 0, last: 0 };
      open = { size: open.size + last, last };
    } else if (min !== undefined) {
      const more = open.last * Math.max(Number(min), Number(max ?? 0), 1) - open.last;
      open = { size: open.size + more, last: open.last + more };
    } else {
      const last = token.startsWith("\\Q") ? token.length : 1;
      // What repeats without bounds belongs to what it repeats.
      const repeats = token === "*" || token === "+" || token === "?";
      open = { size: open.size + last, last: repeats ? open.last + last : last };
    }
  }
  return around.reduce((size, group) => size + group.size, open.size);
}
