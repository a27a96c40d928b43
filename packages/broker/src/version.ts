/** Of every package of this repository; the tidy test holds them together. */
export const VERSION = "0.1.0";
