"""For every route that takes a body: who sends it, on what, and a body that is right."""

import secrets
from datetime import timedelta
from typing import Any, NamedTuple

from actors import Thing, World
from lianyan.proposals.states import State
from makers import now

S = State
HASH = "0" * 64
TOKEN = "token-of-the-hostile-invitation"


class Case(NamedTuple):
    """One route: a request to it that is right but for what is put in."""

    who: str
    state: State
    body: Any
    """The body, or what makes it of the world."""
    ok: bool = True
    """Whether it succeeds; a hash that nobody can know does not."""
    rev: int = 1
    reads: dict[str, str] = {}
    """Field -> where its text is found again: `METHOD /path` and a path into the answer, or SQL."""

    def content(self, world: World) -> dict[str, Any]:
        """Return the right body."""
        found: dict[str, Any] = self.body(world) if callable(self.body) else self.body
        return found


def _institution(world: World) -> dict[str, Any]:
    return {
        "name_zh": f"示例单位{secrets.token_hex(3)}", "name_en": "Sample Institute", "kind": "institute", "standing": "ordinary",
        "short_zh": "示例", "short_en": "SI", "aliases": ["别名"], "code": None, "ror": None, "country": "CN", "province": None,
        "city": "南京", "domains": [f"{secrets.token_hex(4)}.example"], "parent_id": str(world.ids["a"]),
    }  # fmt: skip


OPEN_CALL = {
    "title_zh": "示例征集", "title_en": "Sample call", "summary_zh": "示例。", "summary_en": "Sample.", "prefix": "HOST-1",
    "opens_at": "2035-01-01T09:00:00+08:00", "closes_at": "2035-03-01T18:00:00+08:00", "reviews_until": "2035-05-01T18:00:00+08:00",
    "decides_at": "2035-06-01T18:00:00+08:00", "min_institutions": 2, "min_reviews": 2,
}  # fmt: skip
LINE = {
    "kind": "staff",
    "amount": "6",
    "unit": "人月",
    "what": "工程师",
    "value_fen": 100,
    "terms": "全职",
    "id": None,
}
SCORES = {"innovation": 4, "feasibility": 3, "cooperation": 5, "application": 4, "team": 4}
REVIEW = {
    "scores": SCORES,
    "recommendation": "approve",
    "for_applicants": "好",
    "for_coordinators": "无",
}
DECISION = {
    "kind": "approve",
    "letter": "同意立项。",
    "note": "无",
    "granted_months": 24,
    "granted_fen": 100,
}
ANSWERS: dict[str, dict[str, Any]] = {
    "basics": {
        "title": "题目", "title_en": "Title", "sectors": ["EDU"], "fields": ["11"], "project_type": "basic", "starts": "2036-03",
        "months": 24, "summary": "摘要",
    },
    "aims": {"aims": "目标"},
    "methods": {"methods": "方法", "schedule": "进度", "outputs": "成果", "risks": "风险"},
    "terms": {"data_terms": "各自所有", "ip_terms": "各自所有"},
    "ethics": {"human_subjects": "none", "personal_data": "none", "ethics_note": "无"},
}  # fmt: skip


def _reason(table: str, column: str, key: str) -> str:
    return f"select {column} from {table} where {key} order by ctid desc limit 1"


MOVE = {"reason": "select reason from moves order by id desc limit 1"}
OWN = "proposal_id = :proposal"
CASES: dict[str, Case] = {
    "PUT /api/session/locale": Case("outsider", S.DRAFT, {"locale": "en"}),
    "POST /api/login/{slug}": Case("anonymous", S.DRAFT, {"return_to": "/x", "hint": "a"}, ok=False),
    "POST /api/settings/affiliations": Case("outsider", S.DRAFT, lambda w: {"institution_id": str(w.ids["a"]), "department": "计算机系"},
        reads={"department": "/api/settings affiliations.-1.department"}),
    "PATCH /api/settings": Case("outsider", S.DRAFT, {"name": "李明", "name_latin": "Li Ming", "sort_key": "li ming", "locale": "zh",
        "email": "li@example.com", "phone": "13800000000", "orcid": "0000-0002-1825-0097"},
        reads={"name": "/api/settings name", "name_latin": "/api/settings name_latin"}),
    "POST /api/roles": Case("security_administrator", S.DRAFT, lambda w: {"person_id": str(w.ids["lead"]), "role": "reviewer"}),
    "POST /api/institutions/{institution_id}/officers": Case("coordinator", S.DRAFT, lambda w: {"person_id": str(w.ids["lead"]), "deputy": True}),
    "POST /api/institutions": Case("coordinator", S.DRAFT, _institution, reads={f: f"select {f} from institutions order by id desc limit 1" for f in (
        "name_zh", "name_en", "short_zh", "short_en", "city")} | {"aliases.0": "select aliases[1] from institutions order by id desc limit 1"}),
    "PATCH /api/institutions/{institution_id}": Case("coordinator", S.DRAFT, lambda w: {**_institution(w), "parent_id": str(w.ids["b"])}, reads={
        "name_zh": "/api/institutions/{institution_id} name.zh", "name_en": "/api/institutions/{institution_id} name.en",
        "city": "/api/institutions/{institution_id} city", "aliases.0": "/api/institutions/{institution_id} aliases.0"}),
    "POST /api/admin/providers": Case("administrator", S.DRAFT, lambda w: {"institution_id": str(w.ids["a"]), "slug": f"s{secrets.token_hex(4)}",
        "name_zh": "示例登录", "name_en": "Sample login", "issuer": f"https://{secrets.token_hex(4)}.example", "client_id": "portal", "secret": "s3cret",
        "auth_method": "client_secret_post"}, reads={f: f"select {f} from providers order by id desc limit 1" for f in ("slug", "name_zh", "name_en", "issuer", "client_id")}),
    "PATCH /api/admin/providers/{provider_id}": Case("administrator", S.DRAFT, lambda _: {"name_zh": "示例登录", "name_en": "Sample login",
        "issuer": f"https://{secrets.token_hex(4)}.example", "client_id": "portal", "secret": "s3cret", "auth_method": "client_secret_post"},
        reads={"name_zh": "/api/admin/providers/{provider_id} name.zh", "name_en": "/api/admin/providers/{provider_id} name.en",
               "issuer": "/api/admin/providers/{provider_id} issuer", "client_id": "/api/admin/providers/{provider_id} client_id"}),
    "POST /api/identifiers/check": Case("anonymous", S.DRAFT, {"kind": "uscc", "value": "12000000DEM000014Q"}),
    "PATCH /api/platform": Case("coordinator", S.DRAFT, lambda w: {"name_zh": "平台", "name_en": "Platform", "purpose_zh": "目的", "purpose_en": "Purpose",
        "lead_id": str(w.ids["a"]), "contact": "li@example.com", "record_number": "苏ICP备1号"}, rev=0,
        reads={"name_zh": "/api/platform name.zh", "name_en": "/api/platform name.en", "purpose_zh": "/api/platform purpose.zh",
               "contact": "/api/platform contact", "record_number": "/api/platform record_number"}),
    "POST /api/calls": Case("coordinator", S.DRAFT, OPEN_CALL, reads={f: f"select {f} from calls order by id desc limit 1" for f in (
        "title_zh", "title_en", "summary_zh", "summary_en")}),
    "POST /api/proposals": Case("lead", S.DRAFT, lambda w: {"call_id": str(w.ids["call"]), "institution_id": str(w.ids["a"]), "again": True}),
    **{f"PUT /api/proposals/{{proposal_id}}/sections/{section}": Case("lead", S.DRAFT, {"answers": answers}, rev=0,
        reads={f"answers.{q}": f"/api/proposals/{{proposal_id}} answers.{q}" for q in answers}) for section, answers in ANSWERS.items()},
    "POST /api/proposals/{proposal_id}/participations": Case("lead", S.DRAFT, lambda w: {"institution_id": str(w.ids["c"]), "role": "participating", "task": "做事"},
        reads={"task": "/api/proposals/{proposal_id} participations.-1.task"}),
    "PATCH /api/participations/{participation_id}": Case("lead", S.DRAFT, {"role": "resources", "task": "做事", "special_terms": "数据不出院", "contributions": [LINE]},
        reads={"task": "/api/proposals/{proposal_id} participations.-1.task", "special_terms": "/api/proposals/{proposal_id} participations.-1.special_terms",
               **{f"contributions.0.{f}": f"/api/proposals/{{proposal_id}} participations.-1.contributions.0.{f}" for f in ("what", "unit", "terms")}}),
    "POST /api/participations/{participation_id}/remove": Case("lead", S.DRAFT, {"reason": "换单位"}),
    "POST /api/proposals/{proposal_id}/members": Case("lead", S.DRAFT, lambda w: {"person_id": str(w.ids["removed"]), "institution_id": str(w.ids["b"]), "duty": "算法"},
        reads={"duty": "/api/proposals/{proposal_id} team.-1.duty"}),
    "POST /api/participations/{participation_id}/invitations": Case("lead", S.DRAFT, {"name": "王工", "email": "w@example.com"},
        reads={"name": "/api/proposals/{proposal_id} invitations.-1.name"}),
    "POST /api/invitation/accept": Case("anonymous", S.DRAFT, {"name": "王工", "contact": "w@example.com"},
        reads={"name": "select name from people order by id desc limit 1"}),
    "POST /api/invitation/changes": Case("anonymous", S.DRAFT, {"comment": "改为 6 人月"}, reads={"comment": "/api/proposals/{proposal_id} invitations.0.comment"}),
    "POST /api/invitation/decline": Case("anonymous", S.DRAFT, {"reason": "没时间"}, reads={"reason": "/api/proposals/{proposal_id} invitations.0.comment"}),
    "POST /api/participations/{participation_id}/confirm": Case("officer", S.DRAFT, {"scope_hash": HASH}, ok=False),
    "POST /api/participations/{participation_id}/decline": Case("officer", S.DRAFT, {"reason": "人手不足"},
        reads={"reason": "/api/proposals/{proposal_id} participations.-1.comments.overall"}),
    "POST /api/participations/{participation_id}/return": Case("officer", S.DRAFT, {"comments": {"overall": "请改", "aims": "请写清"}},
        reads={f"comments.{p}": f"/api/proposals/{{proposal_id}} participations.-1.comments.{p}" for p in ("overall", "aims")}),
    "POST /api/queue/confirm": Case("officer", S.DRAFT, lambda w: {"items": [{"participation_id": str(w.things[S.DRAFT].participation), "scope_hash": HASH}]}),
    "POST /api/proposals/{proposal_id}/submit": Case("lead", S.DRAFT, {"rev_hash": HASH}, ok=False),
    "POST /api/proposals/{proposal_id}/resubmit": Case("lead", S.RETURNED, {"rev_hash": HASH}, ok=False),
    "POST /api/proposals/{proposal_id}/withdraw": Case("lead", S.SUBMITTED, {"reason": "改变计划"},
        reads={"reason": "/api/proposals/{proposal_id} moves.-1.reason"}),
    "POST /api/proposals/{proposal_id}/withdraw_by_institution": Case("officer_lead", S.PEER_REVIEW, {"reason": "改变计划"},
        reads={"reason": "/api/proposals/{proposal_id} moves.-1.reason"}),
    "PUT /api/proposals/{proposal_id}/check/{item}": Case("coordinator", S.FORMAL_CHECK, {"verdict": "problem", "note": "请补充", "section": "aims"}, rev=0,
        reads={"note": _reason("check_answers", "note", OWN)}),
    "POST /api/proposals/{proposal_id}/extend": Case("coordinator", S.CONSENT_PENDING, lambda w: {"until": (now() + timedelta(days=99)).isoformat(), "reason": "系统维护",
        "participation_id": str(w.things[S.CONSENT_PENDING].participation)}, reads={"reason": _reason("extensions", "reason", OWN)}),
    "POST /api/proposals/{proposal_id}/finish": Case("coordinator", S.PEER_REVIEW, {"waiver": "专家不足"},
        reads={"waiver": "/api/desk/{proposal_id} moves.-1.reason"}),
    "POST /api/proposals/{proposal_id}/refuse": Case("coordinator", S.FORMAL_CHECK, {"code": "R1", "reason": "资格不符"},
        reads={"reason": "/api/desk/{proposal_id} moves.-1.reason"}),
    "POST /api/proposals/{proposal_id}/reopen": Case("coordinator", S.DECISION_PENDING, {"reason": "再评"},
        reads={"reason": "/api/desk/{proposal_id} moves.-1.reason"}),
    "POST /api/proposals/{proposal_id}/return": Case("coordinator", S.FORMAL_CHECK, {"reason": "请补正", "until": None},
        reads={"reason": "/api/desk/{proposal_id} moves.-1.reason"}),
    "POST /api/proposals/{proposal_id}/assignments": Case("coordinator", S.PEER_REVIEW, lambda w: {"reviewer_id": str(w.ids["reviewer_elsewhere"]), "override_reason": "人手紧"},
        reads={"override_reason": "select override_reason from assignments where override_reason is not null limit 1"}),
    "POST /api/proposals/{proposal_id}/dismissals": Case("coordinator", S.PEER_REVIEW, lambda w: {"person_id": str(w.ids["coordinator_tied"]), "rule": "declared_tie", "reason": "已核实"},
        reads={"reason": _reason("dismissals", "reason", OWN)}),
    "POST /api/assignments/{assignment_id}/conflict": Case("reviewer", S.PEER_REVIEW, {"note": "合作过"},
        reads={"note": "select note from ties where proposal_id = :proposal and note <> ''"}),
    "POST /api/assignments/{assignment_id}/decline": Case("reviewer", S.PEER_REVIEW, {"reason": "没时间"},
        reads={"reason": "select decline_reason from assignments where proposal_id = :proposal and state = 'declined'"}),
    "POST /api/assignments/{assignment_id}/remove": Case("coordinator", S.PEER_REVIEW, {"reason": "改派"},
        reads={"reason": "select removal_reason from assignments where proposal_id = :proposal and state = 'removed'"}),
    "POST /api/reviews/accept": Case("reviewer", S.PEER_REVIEW, lambda w: {"assignment_ids": [str(w.things[S.PEER_REVIEW].assignment)], "pledge": True}),
    "PUT /api/reviews/{assignment_id}": Case("reviewer", S.PEER_REVIEW, REVIEW, rev=0,
        reads={f: f"/api/reviews/{{assignment_id}} review.{f}" for f in ("for_applicants", "for_coordinators")}),
    "POST /api/reviews/submit": Case("reviewer", S.PEER_REVIEW, lambda w: {"assignment_ids": [str(w.things[S.PEER_REVIEW].assignment)]}, ok=False),
    "PUT /api/proposals/{proposal_id}/decision": Case("coordinator", S.DECISION_PENDING, DECISION,
        reads={f: f"/api/proposals/{{proposal_id}}/decision decision.{f}" for f in ("letter", "note")}),
    "POST /api/decisions/{decision_id}/send_back": Case("approver", S.DECISION_PENDING, {"note": "请写明理由"},
        reads={"note": "/api/proposals/{proposal_id}/decision decision.sent_back_note"}),
    "POST /api/release": Case("coordinator", S.DECISION_PENDING, lambda w: {"decision_ids": [str(w.things[S.DECISION_PENDING].decision)]}, ok=False),
    "POST /api/security/sessions/{session_id}/end": Case("security_administrator", S.DRAFT, {"reason": "other"}, ok=False),
    "POST /api/messages/read": Case("lead", S.DRAFT, lambda w: {"ids": [str(w.ids["a"])]}),
}  # fmt: skip
READER = {"anonymous": "lead"}
"""Who reads again what somebody without a login has typed."""

PROSE = {
    "summary", "aims", "methods", "schedule", "outputs", "risks", "data_terms", "ip_terms", "ethics_note", "reason", "waiver", "note", "letter", "task",
    "special_terms", "for_applicants", "for_coordinators", "override_reason", "comment", "purpose_zh", "purpose_en", "summary_zh", "summary_en",
    "overall", "terms",
}  # fmt: skip
"""Fields of many lines, by their last name; the others are one line, whose ends are trimmed."""


def address(path: str, world: World, thing: Thing) -> str:
    """Return the path with the ids of a thing in it."""
    for name, value in {
        "proposal_id": thing.proposal.id, "participation_id": thing.participation, "invitation_id": thing.invitation,
        "member_id": thing.member, "assignment_id": thing.assignment, "decision_id": thing.decision, "item": "in_scope",
        "institution_id": world.ids["c"], "call_id": world.ids["call"], "slug": "nowhere", "person_id": world.ids["lead"],
        "role_id": world.ids["a"], "officer_id": world.ids["a"], "affiliation_id": world.ids["a"], "project_id": world.ids["a"],
        "release_id": world.ids["a"], "session_id": world.ids["a"], "provider_id": world.ids["provider"],
    }.items():  # fmt: skip
        path = path.replace(f"{{{name}}}", str(value))
    return path
