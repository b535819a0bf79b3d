/**
 * Stands in until `npm run schema` has written the server's OpenAPI document here.
 * Every path passes; the generated file replaces this one whole, and nothing else changes.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Anything = any;
interface Operation {
  parameters: { query?: Anything; header?: Anything; path?: Anything; cookie?: never };
  requestBody?: { content: { "application/json": Anything } };
  responses: { 200: { headers: Record<string, unknown>; content: { "application/json": Anything } } };
}
export interface paths {
  [path: string]: {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get: Operation;
    put: Operation;
    post: Operation;
    patch: Operation;
    delete: Operation;
  };
}
export type components = { schemas: Record<string, Anything> };
