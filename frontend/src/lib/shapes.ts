/** Short names for the shapes of the API. */
import type { components } from "./api/schema";

export type Shapes = components["schemas"];
