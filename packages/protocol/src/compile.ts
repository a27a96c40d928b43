/**
 * Generated code for one schema at one version, held to interpret.ts by a differential fuzz.
 *
 * What makes it fast: no decision about versions is left to run time; neighbouring fields of fixed
 * size share one bounds check; every struct is one object literal, so all values of a schema share
 * a hidden class.
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
