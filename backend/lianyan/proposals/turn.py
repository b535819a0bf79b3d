"""Whose turn it is: the SQL by which desk and task page tell what a proposal waits for.

`facts` needs two relations before it: `t` (one row: `now`) and `seen` (the proposals looked at,
each with `progress`: the reader's institution takes part, so the handling stays unknown). A column
of handling is NULL for such a row here, before anything filters or sorts by it.
"""

from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from uuid import UUID

from lianyan.calls.workdays import is_workday
from lianyan.core.actor import Actor
from lianyan.core.clock import BEIJING
from lianyan.core.words import say
from lianyan.proposals.rights import Right
from lianyan.proposals.states import SHOWN, State

CODES = (
    "consent", "institution_returned", "declined", "expired", "correction", "check", "reviewers",
    "reviews", "decision", "signature", "release",
)  # fmt: skip
"""What can be missing, in the order it is shown."""

FINAL = ("not_accepted", "approved", "rejected", "withdrawn")
SOON = 3
"""Days within which a row is marked."""

HIDDEN = Right.CONFLICT | Right.TEAM
"""Bits of a person's own row that take all knowledge of the handling away."""

BEFORE, AFTER = 400, 100
"""Days around today whose working days a statement is given."""

OPEN = "('invited', 'viewed', 'void')"
SHOWN_CASE = " ".join(f"when '{state.value}' then '{shown}'" for state, shown in SHOWN.items())


def person(p: str) -> str:
    """Return the SQL of a person as other things name them."""
    return f"jsonb_build_object('id', {p}.id, 'name', {p}.name, 'name_latin', {p}.name_latin)"


def named(p: str) -> str:
    """Return the SQL of a person's name in both languages."""
    return f"jsonb_build_object('zh', {p}.name, 'en', coalesce({p}.name_latin, {p}.name))"


def date_zh(of: str) -> str:
    """Return the SQL of a time in Chinese, Beijing time; midnight is the end of the day before."""
    return _date(of, """FMMM"月"FMDD"日" """.strip(), " ")


def date_en(of: str) -> str:
    """Return the SQL of a time in English, Beijing time; midnight is the end of the day before."""
    return _date(of, "FMDD Mon", ", ")


def _date(of: str, day: str, gap: str) -> str:
    local = f"({of} at time zone 'Asia/Shanghai')"
    return f"""case to_char({local}, 'HH24:MI')
      when '00:00' then to_char({local} - interval '1 day', '{day}') || '{gap}24:00'
      else to_char({local}, '{day}') || '{gap}' || to_char({local}, 'HH24:MI') end"""


def said(locale: str, key: str, /, **columns: str) -> str:
    """Return the SQL of a sentence of the catalogue whose parameters are columns.

    The sentence is cut at its parameters, so that a title that holds `{name}` is not filled again.
    """
    marks = {name: f"\x00{name}\x00" for name in columns}
    parts = say(locale, key, **marks).split("\x00")
    return f"concat({', '.join(_part(part, n, columns) for n, part in enumerate(parts) if part)})"


def _part(part: str, number: int, columns: dict[str, str]) -> str:
    if number % 2:
        return columns[part]
    # A backslash keeps `text()` from reading a colon in a sentence as a parameter.
    quoted = part.replace("'", "''").replace(":", "\\:")
    return f"'{quoted}'"


def days_left(due: str, zone: str) -> str:
    """Return the SQL of the days to a deadline: 0 is today; midnight belongs to the day before."""
    return (
        f"(({due} - interval '1 microsecond') at time zone {zone})::date"
        f" - ((select now from t) at time zone {zone})::date"
    )


def free(proposal: str, roles: str) -> str:
    """Return the SQL of the people (`q`) who hold one of `roles` and have no conflict with `proposal`."""
    # Led by the few who hold a role; what ties them is looked up one by one.
    return f"""
      from people q
      where q.id = any(array(
          select held.person_id from platform_roles held
          where held.ended_at is null and held.role in ({roles})))
        and q.status = 'active'
        and not exists (
          select from access tied
          where tied.proposal_id = {proposal} and tied.principal = q.id
            and tied.rights & {HIDDEN:d} <> 0)
        and (
          select count(*) from affiliations home
          join access near on near.proposal_id = {proposal}
            and near.principal = home.institution_id and near.rights & {Right.EMPLOYER:d} <> 0
          where home.person_id = q.id and (home.status in ('pending', 'confirmed')
            or (home.status = 'ended' and home.ended_at > now() - interval '3 years'))) = 0"""


SEEN_COLUMNS = f"""
    p.id, p.rev, p.call_id, p.form_id, p.state as real, p.number, p.title, p.title_en, p.sectors,
    p.lead_id, p.submitted_at, p.consent_until, p.returned_until, p.due_at as submit_until,
    case p.state {SHOWN_CASE} end as shown,
    exists (
      select from access e
      where e.proposal_id = p.id and e.principal = any(cast(:employers as uuid[]))
        and e.rights & {Right.EMPLOYER:d} <> 0) as progress"""
"""Columns of `seen`, from `proposals p`."""

HANDLED = f"""
    p.submitted_at is not null and p.state <> 'draft'
    and not exists (
      select from access c
      where c.proposal_id = p.id and c.principal = cast(:me as uuid) and c.rights & {HIDDEN:d} <> 0)"""
"""The coordinator's broad branch: submitted, and no personal conflict of the reader's own."""

AWAY = """case when exists (
          select from platform_roles r
          where r.person_id = cast(:me as uuid) and r.role = 'coordinator' and r.ended_at is null)
        then 'stand_in' else 'colleague' end"""
"""SQL of whose turn it is where the reader's institution takes part."""

FACTS = f"""
  weighed as (
    select s.*, c.zone, c.closes_at, c.reviews_until, c.decides_at, c.min_reviews,
      k.open_n, k.returned_n, k.declined_n, k.expired_n, k.all_n, k.first, k.last as open_until,
      h.unanswered_n, v.asked_n, v.done_n, v.pending_n, d.decision, d.sent_back, d.signer_id,
      case
        when s.real = 'draft' then greatest(s.submit_until, c.closes_at)
        when s.real = 'consent_pending' then coalesce(k.first, s.consent_until)
        when s.real = 'returned' then s.returned_until
        when s.real in ('submitted', 'formal_check') then h.due
        when s.real in ('peer_review', 'decision_pending') and s.progress then c.decides_at
        when s.real = 'peer_review' then c.reviews_until
        when s.real = 'decision_pending' then c.decides_at
      end as due
    from seen s
    join calls c on c.id = s.call_id
    left join lateral (
      select count(*) as all_n,
        count(*) filter (where n.state in {OPEN} and not n.passed) as open_n,
        count(*) filter (where n.state = 'returned') as returned_n,
        count(*) filter (where n.state = 'declined') as declined_n,
        count(*) filter (where n.state in {OPEN} and n.passed) as expired_n,
        min(n.date) filter (where n.state in {OPEN}) as first,
        max(coalesce(n.date, 'infinity')) filter (where n.state in {OPEN}) as last
      from (
        select o.state, greatest(o.until, s.consent_until) as date,
          s.real = 'consent_pending'
            and greatest(o.until, s.consent_until) < (select now from t) as passed
        from participations o
        where o.proposal_id = s.id and o.state <> 'removed'
          and s.real in ('consent_pending', 'returned')
      ) n
    ) k on true
    left join lateral (
      select count(*) filter (where a.item is null) as unanswered_n,
        (select ((cast(:days as date[]))[
              width_bucket((m.at at time zone c.zone)::date, cast(:days as date[])) + c.check_days]
            + (c.closes_at at time zone c.zone)::time) at time zone c.zone
          from moves m
          where m.proposal_id = s.id and m.to_state = 'submitted'
            and s.real in ('submitted', 'formal_check')
          order by m.id desc limit 1) as due
      from jsonb_array_elements(c.checklist) e
      left join check_answers a on a.proposal_id = s.id and a.item = e ->> 'id'
      where s.real in ('submitted', 'formal_check') and e ->> 'computed' = 'false'
    ) h on true
    left join lateral (
      select count(*) as asked_n,
        count(*) filter (where r.submitted_at is not null) as done_n,
        count(*) filter (where r.submitted_at is null) as pending_n
      from assignments a left join reviews r on r.assignment_id = a.id
      where s.real = 'peer_review' and not s.progress and a.proposal_id = s.id
        and a.state in ('asked', 'accepted') and a.suspended_at is null
    ) v on true
    left join lateral (
      select g.state as decision, g.sent_back_note is not null as sent_back, g.drafted_by as signer_id
      from decisions g
      where s.real = 'decision_pending' and not s.progress and g.proposal_id = s.id
        and g.state <> 'cancelled'
    ) d on true
  ),
  acted as (
    select w.*,
      case
        when w.real = 'consent_pending' and w.expired_n > 0 then 'extend'
        when w.real = 'returned' and w.returned_until <= (select now from t) then 'extend'
        when w.progress then null
        when w.real in ('submitted', 'formal_check') then 'check'
        when w.real = 'peer_review' and w.done_n >= w.min_reviews
          and (w.pending_n = 0 or w.reviews_until <= (select now from t)) then 'finish'
        when w.real = 'peer_review' and w.asked_n < w.min_reviews then 'assign'
        when w.real = 'decision_pending' and w.decision is null then 'draft'
        when w.real = 'decision_pending' and w.decision = 'drafted' and w.sent_back then 'revise'
        when w.real = 'decision_pending' and w.decision = 'signed' then 'release'
      end as act,
      array_remove(array[
        case when w.open_n > 0 then 'consent' end,
        case when w.returned_n > 0 then 'institution_returned' end,
        case when w.declined_n > 0 then 'declined' end,
        case when w.expired_n > 0 then 'expired' end,
        case when w.real = 'returned' then 'correction' end,
        case when w.unanswered_n > 0 and not w.progress then 'check' end,
        case when w.real = 'peer_review' and w.asked_n < w.min_reviews and not w.progress
          then 'reviewers' end,
        case when w.real = 'peer_review' and w.done_n < w.min_reviews and not w.progress
          then 'reviews' end,
        case when w.real = 'decision_pending' and w.decision is null and not w.progress
          then 'decision' end,
        case when w.decision = 'drafted' then 'signature' end,
        case when w.decision in ('signed', 'scheduled') then 'release' end
      ], null) as codes
    from weighed w
  ),
  facts as (
    select a.*, {days_left("a.due", "a.zone")} as days_left,
      case when a.progress then a.shown else a.real end as state,
      case
        when a.act = 'extend' and a.progress then {AWAY}
        when a.act is not null then 'coordinator'
        when a.real = 'consent_pending' and a.returned_n + a.declined_n > 0 then 'lead'
        when a.real = 'consent_pending' then 'officer'
        when a.real in ('draft', 'returned') then 'lead'
        when a.real in ({", ".join(f"'{s}'" for s in FINAL)}) then null
        when a.progress then {AWAY}
        when a.real = 'peer_review' then 'reviewers'
        when a.decision = 'scheduled' then 'release'
        when a.real = 'decision_pending' then 'approver'
      end as who
    from acted a
  )"""
"""`facts`: what each proposal of `seen` waits for."""

NAMES = f"""
    case
      when f.who = 'officer' then (
        select jsonb_agg(jsonb_build_object('zh', i.name_zh, 'en', i.name_en) order by o.position, o.id)
        from participations o join institutions i on i.id = o.institution_id
        where o.proposal_id = f.id and o.state in {OPEN})
      when f.who = 'lead' then (select jsonb_build_array({named("q")}) from people q where q.id = f.lead_id)
      when f.who = 'approver' then (
        select jsonb_agg({named("q")} order by q.sort_key, q.id)
        {free("f.id", "'approver'")} and q.id is distinct from f.signer_id)
      when f.who in ('stand_in', 'colleague') then (
        select jsonb_agg({named("q")} order by q.sort_key, q.id)
        {free("f.id", "'coordinator', 'stand_in'")})
    end"""
"""SQL of the names of those whose turn it is; reviewers are never named in passing."""

WHOSE = f"""jsonb_build_object('you', f.act is not null and not f.progress, 'who', f.who,
      'names', coalesce({NAMES}, '[]'))"""

MISSING = f"""coalesce((
      select jsonb_agg(jsonb_build_object('code', code.code, 'params', case code.code
          when 'consent' then jsonb_build_object('count', f.open_n, 'of', f.all_n, 'institutions', (
            select jsonb_agg(jsonb_build_object('zh', i.name_zh, 'en', i.name_en) order by o.position, o.id)
            from participations o join institutions i on i.id = o.institution_id
            where o.proposal_id = f.id and o.state in {OPEN}))
          when 'institution_returned' then jsonb_build_object('count', f.returned_n)
          when 'declined' then jsonb_build_object('count', f.declined_n)
          when 'expired' then jsonb_build_object('count', f.expired_n)
          when 'check' then jsonb_build_object('count', f.unanswered_n)
          when 'reviewers' then jsonb_build_object('count', f.asked_n, 'of', f.min_reviews)
          when 'reviews' then jsonb_build_object('count', f.done_n, 'of', f.min_reviews)
          else jsonb_build_object() end) order by code.place)
      from unnest(f.codes) with ordinality as code (code, place)), '[]')"""


def _remind(locale: str) -> str:
    zh = locale == "zh"
    title = ("title", "title_en") if zh else ("title_en", "title")
    name = f"i.name_{locale}"
    officers = (
        "string_agg(coalesce(q.name_latin, q.name), ', ' order by u.id)"
        if not zh
        else "string_agg(q.name, '、' order by u.id)"
    )
    wrapped = f"coalesce('（' || {officers} || '）', '')" if zh else f"coalesce(' (' || {officers} || ')', '')"  # fmt: skip
    who = "q.name" if zh else "coalesce(q.name_latin, q.name)"
    columns = {
        "title": f"coalesce(nullif(f.{title[0]}, ''), f.{title[1]})",
        "date": date_zh("f.due") if zh else date_en("f.due"),
        "link": "cast(:link as text)",
    }
    parts = f"""(
        select string_agg({name} || (
            select {wrapped} from officers u join people q on q.id = u.person_id
            where u.institution_id = i.id and u.ended_at is null
          ), '{"、" if zh else ", "}' order by o.position, o.id)
        from participations o join institutions i on i.id = o.institution_id
        where o.proposal_id = f.id and o.state in {OPEN})"""
    lead = f"""(
        select {who} || coalesce((
          select {"'（' || i.name_zh || '）'" if zh else "' (' || i.name_en || ')'"}
          from participations o join institutions i on i.id = o.institution_id
          where o.proposal_id = f.id and o.role = 'lead' and o.state <> 'removed'), '')
        from people q where q.id = f.lead_id)"""
    officer_text = said(locale, "desk.remind_officers", names=parts, count="f.open_n", **columns)
    lead_text = said(locale, "desk.remind_lead", name=lead, **columns)
    return f"case f.who when 'officer' then {officer_text} when 'lead' then {lead_text} end"


REMIND = f"""case when f.who in ('officer', 'lead') and f.due is not null then jsonb_build_object(
      'text', jsonb_build_object('zh', {_remind("zh")}, 'en', {_remind("en")})) end"""
"""SQL of the reminder to paste into a chat: names of who is to act, date and link."""


def days_between(due: datetime, moment: datetime, zone: tzinfo = BEIJING) -> int:
    """Return the days to a deadline as `days_left` counts them."""
    last = (due - timedelta(microseconds=1)).astimezone(zone).date()
    return (last - moment.astimezone(zone).date()).days


def asked(
    actor: Actor, moment: datetime | None = None
) -> dict[str, UUID | list[UUID] | list[date]]:
    """Return the values that `seen` and `facts` need of every reader."""
    return {"me": actor.id, "employers": list(actor.employers), "days": workdays(moment)}


def workdays(moment: datetime | None = None) -> list[date]:
    """Return the working days around today that `facts` counts a check's days in."""
    return _workdays((moment or datetime.now(BEIJING)).astimezone(BEIJING).date())


@lru_cache(maxsize=4)
def _workdays(today: date) -> list[date]:
    around = (today + timedelta(days=n) for n in range(-BEFORE, AFTER))
    return [day for day in around if is_workday(day)]


def states() -> frozenset[str]:
    """Return what the desk can be filtered by: the real states, and what a progress-only row shows."""
    return frozenset(State) | frozenset(SHOWN.values())
