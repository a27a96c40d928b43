export * from "@tarpan/client";
