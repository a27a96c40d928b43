import { parseAst } from "rolldown/parseAst";

export interface SourceFunction {
  readonly name: string;
  readonly lines: number;
}

export interface SourceSyntax {
  /** The specifiers of every import, export from, and `import()` of a value or a type. */
  readonly specifiers: readonly string[];
  readonly functions: readonly SourceFunction[];
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);
const IMPORTS = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
  "TSImportType",
]);

/** What the tidy tests need of a source file, from its syntax tree. */
export function syntaxOf(text: string): SourceSyntax {
  const specifiers: string[] = [];
  const functions: SourceFunction[] = [];
  const visit = (node: Node, name: string): void => {
    if (IMPORTS.has(node.type)) {
      const source = (node.source ?? node.argument) as { value?: unknown } | null;
      if (typeof source?.value === "string") specifiers.push(source.value);
    }
    if (FUNCTIONS.has(node.type)) {
      const lines = text.slice(node.start, node.end).split("\n").length;
      functions.push({ name: nameOf(node) ?? name, lines });
    }
    for (const child of childrenOf(node)) visit(child, nameOf(node) ?? name);
  };
  visit(parseAst(text, { lang: "ts", sourceType: "module" }) as unknown as Node, "module");
  return { specifiers, functions };
}

/** The name of a function, or of the variable or property that holds it. */
function nameOf({ id, key }: Node): string | null {
  const { name } = (id ?? key ?? {}) as { name?: unknown };
  return typeof name === "string" ? name : null;
}

function childrenOf(node: Node): Node[] {
  return Object.values(node)
    .flat()
    .filter((value): value is Node => typeof (value as Node | null)?.type === "string");
}
