"""Pieces of SQL that statements of several slices share, as text; `of` is a table's alias."""


def institution(of: str) -> str:
    """Return the JSON of an institution as other things name it."""
    return f"""jsonb_build_object('id', {of}.id,
      'name', jsonb_build_object('zh', {of}.name_zh, 'en', {of}.name_en),
      'short', case when {of}.short_zh is null and {of}.short_en is null then null
        else jsonb_build_object('zh', coalesce({of}.short_zh, {of}.name_zh),
          'en', coalesce({of}.short_en, {of}.name_en)) end)"""


def person(of: str) -> str:
    """Return the JSON of a person as other things name them, at their first confirmed institution."""
    return f"""jsonb_build_object('id', {of}.id, 'name', {of}.name, 'name_latin', {of}.name_latin,
      'institution', (select {institution("home")} from affiliations f
        join institutions home on home.id = f.institution_id
        where f.person_id = {of}.id and f.status = 'confirmed' order by f.id limit 1))"""


def instant(value: str) -> str:
    """Return an instant as the API writes it."""
    return f"""to_char({value} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
