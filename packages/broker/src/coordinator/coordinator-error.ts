/** Why a coordinator can't answer; the request is answered with `errorCode` throughout. */
export class CoordinatorError extends Error {
  readonly errorCode: number;

  constructor(errorCode: number, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "CoordinatorError";
    this.errorCode = errorCode;
  }
}
