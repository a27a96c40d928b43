const QUOTED = /\\Q.*?(?:\\E|$)/;
const ESCAPED = /\\[pPx]\{[^}]*\}|\\./;
const CLASS = /\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]/;
const BOUNDS = /\{(\d+)(?:,(\d*))?\}/;
const TOKEN = new RegExp(
  [QUOTED, ESCAPED, CLASS, BOUNDS, /./].map((r) => r.source).join("|"),
  "gs",
);

/**
 * An estimate of the instructions that `pattern` compiles to, without compiling it. Only `{m,n}`
 * makes many of few characters: it repeats what is before it up to 1000 times, and can be nested.
 */
export function roughSize(pattern: string): number {
  // The innermost open group: its size, and the size of its last item, which `{m,n}` repeats.
  let open = { size: 0, last: 0 };
  const outer: (typeof open)[] = [];
  for (const [token, min, max] of pattern.matchAll(TOKEN)) {
    if (token === "(") {
      outer.push(open);
      open = { size: 0, last: 0 };
    } else if (token === ")") {
      // The closed group is the last item of the group around it.
      const last = open.size + 1;
      open = outer.pop() ?? { size: 0, last: 0 };
      open = { size: open.size + last, last };
    } else if (min !== undefined) {
      const more = open.last * Math.max(Number(min), Number(max ?? 0), 1) - open.last;
      open = { size: open.size + more, last: open.last + more };
    } else {
      const last = token.startsWith("\\Q") ? token.length : 1;
      // "*", "+" and "?" belong to the item before them.
      const repeats = token === "*" || token === "+" || token === "?";
      open = { size: open.size + last, last: repeats ? open.last + last : last };
    }
  }
  return outer.reduce((size, group) => size + group.size, open.size);
}
