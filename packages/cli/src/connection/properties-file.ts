import { resolve } from "node:path";
import { CommandError } from "../terminal/failures.ts";
import { parseProperties } from "./properties.ts";

/** Properties of one file, with messages that name it. */
export class PropertiesFile {
  readonly path: string;
  readonly #values: ReadonlyMap<string, string>;
  /** Paths in the file are relative to it. */
  readonly #directory: string;

  constructor(path: string, text: string, directory: string) {
    this.path = path;
    this.#values = parseProperties(text);
    this.#directory = directory;
  }

  get names(): readonly string[] {
    return [...this.#values.keys()];
  }

  /** Undefined if it is missing or empty. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.trim() || undefined;
  }

  file(name: string): string | undefined {
    const path = this.text(name);
    return path === undefined ? undefined : resolve(this.#directory, path);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  label(name: string): string {
    return `${this.path}: ${name}`;
  }

  wrong(name: string, message: string): CommandError {
    return new CommandError(`${this.label(name)} ${message}`);
  }
}
