/** How this client names itself to a broker (KIP-511). */
export const CLIENT_SOFTWARE_NAME = "tarpan";
export const CLIENT_SOFTWARE_VERSION = "0.1.0";
