/** The pages of what can go wrong, fetched soon after the start so that they are here when it does. */
export const trouble = () => import("../pages/status/Trouble.svelte");
