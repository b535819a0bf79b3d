-- What one save of a section writes, and the row it locks, without login, rules and HTTP.
begin;
select p.id, p.rev, p.state from proposals p join bench_drafts b on b.id = p.id where b.n = :client_id for update of p;
insert into answers (proposal_id, question, section, value)
  select b.id, 'methods', 'methods', to_jsonb(repeat('元宇宙协同创新研究', 30) || clock_timestamp()) from bench_drafts b where b.n = :client_id
  on conflict (proposal_id, question) do update set value = excluded.value;
insert into sections (proposal_id, section, rev, missing, saved_by, saved_at)
  select b.id, 'methods', 1, 0, b.person, clock_timestamp() from bench_drafts b where b.n = :client_id
  on conflict (proposal_id, section) do update set rev = sections.rev + 1, saved_at = excluded.saved_at;
insert into events (kind, actor_id, subject_id, proposal_id, data)
  select 'section.saved', b.person, b.id, b.id, '{"rev": 1, "section": "methods", "questions": ["methods"]}' from bench_drafts b where b.n = :client_id;
commit;
