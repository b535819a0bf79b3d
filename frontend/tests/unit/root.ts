/** The frontend folder, for tests that read its files. */
export const ROOT: string = import.meta.env["TESTS_ROOT"].replace(/\/$/, "");
