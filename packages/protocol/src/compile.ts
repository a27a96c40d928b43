/**
 * Generates code for one schema at one version. A differential fuzz test compares it with
 * interpret.ts.
 *
 * It is fast because versions are decided at compile time, adjacent fields of fixed size share one
 * bounds check, and each struct is one object literal, so that all its values share a hidden class.
 */
export { compileRead } from "./compile-read.ts";
export { compileWrite } from "./compile-write.ts";

/**
 * Whether this process may generate code (`--disallow-code-generation-from-strings` forbids it).
 */
export const canCompile = ((): boolean => {
  try {
    return new Function("return true")() === true;
  } catch {
    return false;
  }
})();
