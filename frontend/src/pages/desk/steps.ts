/** What a coordinator can do to a proposal, each with the request that does it. */
import { api, ifMatch, ok } from "$lib/api/client";
import type { Shapes } from "$lib/shapes";

export type Proposal = Shapes["DeskProposal"];
export type Step = "pass" | "return" | "refuse" | "finish" | "reopen" | "undo" | "restore" | "withdraw";

/** What each step takes beside the proposal's revision. */
export interface Given {
  reason?: string;
  until?: string | null;
  code?: string;
}

/** Do a step on the proposal as it was read; a refusal is thrown. */
export async function step(of: Pick<Proposal, "id" | "rev">, name: Step, given: Given = {}): Promise<void> {
  const on = { params: { path: { proposal_id: of.id } }, headers: ifMatch(of.rev) as never };
  const reason = given.reason ?? "";
  if (name === "pass") await ok(api.POST("/api/proposals/{proposal_id}/pass", on));
  else if (name === "return") await ok(api.POST("/api/proposals/{proposal_id}/return", { ...on, body: { reason, until: given.until ?? null } }));
  else if (name === "refuse") await ok(api.POST("/api/proposals/{proposal_id}/refuse", { ...on, body: { code: given.code as "R1", reason } }));
  else if (name === "finish") await ok(api.POST("/api/proposals/{proposal_id}/finish", { ...on, body: { waiver: reason || null } }));
  else if (name === "reopen") await ok(api.POST("/api/proposals/{proposal_id}/reopen", { ...on, body: { reason } }));
  else if (name === "undo") await ok(api.POST("/api/proposals/{proposal_id}/undo", on));
  else if (name === "restore") await ok(api.POST("/api/proposals/{proposal_id}/restore", on));
  else await ok(api.POST("/api/proposals/{proposal_id}/withdraw_by_institution", { ...on, body: { reason } }));
}

/** Return what the formal check still needs: items without an answer, and items with a problem. */
export function checkLeft(proposal: Proposal): { open: Shapes["ChecklistItem"][]; wrong: Shapes["ChecklistItem"][] } {
  const verdict = (item: Shapes["ChecklistItem"]) => item.verdict ?? item.computed;
  return {
    open: proposal.checklist.filter((item) => verdict(item) === null),
    wrong: proposal.checklist.filter((item) => verdict(item) === "problem"),
  };
}

/** Return what kind of date the proposal waits for, as the words of deadlines name it. */
export function dueKind(state: string): "submit" | "consent" | "resubmit" | "check" | "review" | "decide" {
  if (state === "consent_pending") return "consent";
  if (state === "returned") return "resubmit";
  if (state === "submitted" || state === "formal_check") return "check";
  if (state === "peer_review") return "review";
  return state === "draft" ? "submit" : "decide";
}
