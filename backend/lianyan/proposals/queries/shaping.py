"""Pieces of SQL that several reads shape their JSON with."""

from lianyan.proposals.states import SHOWN


def utc(instant: str) -> str:
    """Return an instant as the API writes it."""
    return f"""to_char({instant} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


def institution(i: str) -> str:
    """Return the institution of alias `i` as other things name it."""
    return f"""
      jsonb_build_object('id', {i}.id,
        'name', jsonb_build_object('zh', {i}.name_zh, 'en', {i}.name_en),
        'short', case when coalesce({i}.short_zh, {i}.short_en) is not null then
          jsonb_build_object('zh', coalesce({i}.short_zh, {i}.name_zh),
            'en', coalesce({i}.short_en, {i}.name_en)) end)
    """


def person(w: str, home: str = "null") -> str:
    """Return the person of alias `w` as other things name them; `home` is SQL for an institution."""
    return f"""
      jsonb_build_object('id', {w}.id, 'name', {w}.name, 'name_latin', {w}.name_latin,
        'institution', {home})
    """


def shown(state: str) -> str:
    """Return what applicants see in place of a state."""
    cases = " ".join(f"when '{real.value}' then '{seen}'" for real, seen in SHOWN.items())
    return f"case {state} {cases} end"


def lead_institution(p: str) -> str:
    """Return the leading institution of the proposal of alias `p`."""
    return f"""
      (select {institution("li")} from participations lt
        join institutions li on li.id = lt.institution_id
        where lt.proposal_id = {p}.id and lt.role = 'lead' and lt.state <> 'removed')
    """


def people_of(t: str) -> str:
    """Return the people that the institution of participation `t` has in the team."""
    return f"""
      coalesce((select jsonb_agg({person("tw")} order by tm.id) from members tm
        join people tw on tw.id = tm.person_id
        where tm.proposal_id = {t}.proposal_id and tm.institution_id = {t}.institution_id
          and tm.removed_at is null), '[]')
    """


def lines_of(t: str) -> str:
    """Return what the institution of participation `t` brings, line by line."""
    return f"""
      coalesce((select jsonb_agg(jsonb_build_object('id', tc.id, 'kind', tc.kind,
          'what', tc.what, 'amount', tc.amount::text, 'unit', tc.unit,
          'value_fen', tc.value_fen, 'terms', tc.terms) order by tc.position, tc.id)
        from contributions tc where tc.participation_id = {t}.id), '[]')
    """


def also_member(t: str) -> str:
    """Return whether the officer who confirmed participation `t` was in the team."""
    return f"""
      coalesce((select k.also_member from consents k
        where k.participation_id = {t}.id and k.void_at is null order by k.id desc limit 1), false)
    """
