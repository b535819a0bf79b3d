"""What speaks against a command: every reason, in the order of nobody."""

from collections.abc import Callable

from machine.facts import (
    ANSWERABLE,
    EDITED,
    HOME,
    JUDGED,
    MOVES,
    NEEDED,
    STAFF,
    UNDOABLE,
    WAITING,
    WHOSE,
    Command,
    Facts,
    Part,
)


class Refusals(Facts):
    """A proposal that knows why not."""

    def editable(self, who: str) -> bool:
        """Say whether somebody may change the content now."""
        return bool(self.roles(who) & {"lead", "team"}) and not self._not_editable(who)

    def stuck(self) -> bool:
        """Say whether the lead, past the date, can still take out who has not confirmed."""
        return self.state == "consent_pending" and self._reopened()

    def _reopened(self) -> bool:
        no = {"returned", "declined", "expired"}
        return self.reopened or any(self.part_state(p) in no for p in self.parts.values())

    def can(self, who: str) -> set[str]:
        """Return the names of what an applicant or an officer can do at this moment."""
        roles, found = self.roles(who), set()
        if self.editable(who):
            found.add("proposal.edit")
        if "lead" in roles and (self.editable(who) or self.stuck()):
            found.add("proposal.arrange")
        for move, whose in MOVES[self.state].items():
            own = move in {"submit", "resubmit", "take_back", "withdraw", "withdraw_by_institution"}
            if own and whose in roles and not self._closed(move):
                found.add(f"proposal.{move}")
        if "lead" in roles and self.state == "draft" and not self.numbered:
            found.add("proposal.delete")
        if "lead" in roles and self.state in ANSWERABLE:
            found.add("team.arrange")
        if "officer" in roles and self.state in ANSWERABLE:
            found |= {f"participation.{act}" for act in ("confirm", "return", "decline")}
        return found

    def refusals(self, c: Command) -> list[str]:
        """Return every reason why a command is refused; any of them is right. None: it succeeds."""
        rights = self._rights(c)
        if rights:
            return rights
        check: Callable[[Command], list[str]] = getattr(self, f"_no_{c.name}")
        return check(c)

    def _rights(self, c: Command) -> list[str]:
        roles = self.roles(c.who)
        if c.name in {"order", "recall"} and c.who not in STAFF:
            return ["403"]
        if self._absent(c) or not roles:
            return ["404"]
        return [] if roles & WHOSE[c.name] and not self._not_theirs(c) else ["403"]

    def _absent(self, c: Command) -> bool:
        """Say whether what a command is about does not exist."""
        if c.name in {"view", "confirm", "send_back", "decline", "change"}:
            return c.what not in self.parts
        if c.name == "remove":
            return c.what not in {*self.parts, *self.out}
        if c.name in {"accept", "review"}:
            return c.who not in self.reviews
        if c.name in {"sign", "object", "order"}:
            return self.decision is None
        return c.name == "recall" and self.release is None

    def _not_theirs(self, c: Command) -> bool:
        """Say whether it is an institution's own matter and the actor is of another."""
        answers = c.name in {"view", "confirm", "send_back", "decline"}
        return answers and HOME[c.who] != c.what

    def _wrong_state(self, move: str) -> list[str]:
        return [] if move in MOVES[self.state] else ["409 proposals.wrong_state"]

    def _not_editable(self, who: str) -> list[str]:
        if self.state in EDITED:
            return []
        if self.state != "consent_pending":
            return ["409 proposals.not_editable"]
        found = []
        if not self._reopened():
            found.append("409 proposals.not_reopened")
        if "lead" not in self.roles(who):
            found.append("409 proposals.lead_only_now")
        if not self.consent and not any(p.until for p in self.parts.values()):
            found.append("409 proposals.consent_date_over")
        return found

    def _closed(self, move: str) -> list[str]:
        """Return why the door of a move is closed although the state has it."""
        found = []
        if move in {"submit", "take_back"} and not (self.call_open or self.due):
            found.append("409 proposals.call_closed")
        if move == "take_back" and self.checked:
            found.append("409 proposals.checked_already")
        if move == "resubmit" and not self.correction:
            found.append("409 proposals.correction_closed")
        return found

    def _no_save(self, c: Command) -> list[str]:
        found = self._not_editable(c.who)
        if c.stale and self.answers.get(c.what) != (c.value or None):
            found.append("412 problems.stale")
        return found

    def _no_add(self, c: Command) -> list[str]:
        twice = ["409 proposals.institution_twice"] if c.what in self.parts else []
        return self._not_editable(c.who) + twice

    def _no_change(self, c: Command) -> list[str]:
        found, part, (field_, value) = self._not_editable(c.who), self.parts[c.what], c.value
        if field_ == "role" and part.role == "lead":
            found.append("409 proposals.lead_institution_stays")
        if c.who != "lead" and (field_ in {"role", "task"} or HOME[c.who] != c.what):
            found.append("403")
        if c.stale and getattr(part, field_) != value:
            found.append("412 problems.stale")
        return found

    def _no_remove(self, c: Command) -> list[str]:
        part = self.parts.get(c.what)
        if part is None:
            return []  # it is out already
        found = ["412 problems.stale"] if c.stale else []
        if part.role == "lead":
            found.append("409 proposals.lead_institution_stays")
        out = self.state == "consent_pending" and self.part_state(part) in {"declined", "expired"}
        return found + ([] if out else self._not_editable(c.who))

    def _incomplete(self) -> list[str]:
        parts = self.parts.values()
        whole = all(self.answers.get(question) for question in NEEDED)
        ready = all(p.lines and p.state != "declined" for p in parts) and len(self.parts) > 1
        return [] if whole and ready else ["409 proposals.incomplete"]

    def _no_submit(self, c: Command) -> list[str]:
        found = self._wrong_state(c.name) + self._closed(c.name) + self._incomplete()
        return [*found, "409 proposals.content_changed"] if c.stale else found

    _no_resubmit = _no_submit

    def _stale(self, c: Command) -> list[str]:
        return ["412"] if c.stale else []

    def _no_take_back(self, c: Command) -> list[str]:
        return self._wrong_state(c.name) + self._closed(c.name) + self._stale(c)

    def _no_withdraw(self, c: Command) -> list[str]:
        return self._wrong_state(c.name) + self._stale(c)

    _no_restore = _no_return = _no_withdraw

    def _no_withdraw_by_institution(self, c: Command) -> list[str]:
        # The coordinator only where there is no officer, and here each institution has one.
        return self._no_withdraw(c) + (["403"] if c.who in STAFF else [])

    def _no_delete(self, c: Command) -> list[str]:
        never = self.state == "draft" and not self.numbered
        return ([] if never else ["409 proposals.wrong_state"]) + self._stale(c)

    def _no_view(self, _: Command) -> list[str]:
        return []

    def _not_answerable(self, part: Part) -> list[str]:
        if self.state not in ANSWERABLE:
            return ["409 proposals.not_confirmable"]
        if self.expired(part):
            return ["409 proposals.consent_expired"]
        return [] if part.state in WAITING else ["409 proposals.part_state"]

    def _no_confirm(self, c: Command) -> list[str]:
        part = self.parts[c.what]
        if part.state == "consented" and not c.stale:
            return []  # it has been confirmed, exactly so
        changed = ["409 proposals.scope_changed"] if c.stale else []
        return self._not_answerable(part) + changed

    def _no_send_back(self, c: Command) -> list[str]:
        part = self.parts[c.what]
        if part.state == "returned" and part.comments == c.value:
            return []
        return self._not_answerable(part)

    def _no_decline(self, c: Command) -> list[str]:
        part = self.parts[c.what]
        if part.state == "declined":
            return []
        found = self._not_answerable(part)
        return [*found, "409 proposals.lead_cannot_decline"] if part.role == "lead" else found

    def _no_extend(self, c: Command) -> list[str]:
        if self.state not in ANSWERABLE:
            return ["409 proposals.wrong_state"]
        if c.what is None:
            return self._stale(c)
        if c.what not in self.parts:
            return ["404", "409 desk.nothing_to_confirm"]
        waits = self.state == "consent_pending" and self.parts[c.what].state in WAITING
        return ([] if waits else ["409 desk.nothing_to_confirm"]) + self._stale(c)

    def _no_check(self, _: Command) -> list[str]:
        right = self.state in {"submitted", "formal_check"}
        return [] if right else ["409 proposals.wrong_state"]

    def _no_pass(self, c: Command) -> list[str]:
        seen = all(self.answers.get(question) for question in NEEDED) and len(self.parts) > 1
        fine = seen and all(self.checked.get(item) == "ok" for item in JUDGED)
        return (
            self._wrong_state(c.name) + self._stale(c)
            + ([] if fine else ["409 desk.check_unfinished"])
        )  # fmt: skip

    def _no_refuse(self, c: Command) -> list[str]:
        found = self._wrong_state(c.name) + self._stale(c)
        waiting = self.consent or any(p.until for p in self.parts.values() if p.state in WAITING)
        if self.state == "consent_pending" and waiting:
            found.append("409 desk.before_date")
        if self.state == "returned" and self.correction:
            found.append("409 desk.before_date")
        return found

    def _no_finish(self, c: Command) -> list[str]:
        enough = list(self.reviews.values()).count("submitted") > 1 or c.value
        return (
            self._wrong_state(c.name) + self._stale(c)
            + ([] if enough else ["409 desk.reviews_unfinished"])
        )  # fmt: skip

    def _no_reopen(self, c: Command) -> list[str]:
        bound = self.decision is not None and self.decision.state in {"signed", "scheduled"}
        return (
            self._wrong_state(c.name) + self._stale(c)
            + (["409 desk.decision_signed"] if bound else [])
        )  # fmt: skip

    def _no_undo(self, c: Command) -> list[str]:
        found = self._wrong_state(c.name) + self._stale(c)
        if not self.timeline:
            return found
        last = self.timeline[-1]
        if last.move not in UNDOABLE:
            return [*found, "409 desk.undo_not_this_move", "409 proposals.wrong_state"]
        if last.who != c.who:
            found.append("409 desk.undo_other_person")
        if not self.held:
            found.append("409 desk.undo_too_late")
        if self.built_on:
            found.append("409 desk.undo_work_since")
        return found

    def _no_assign(self, c: Command) -> list[str]:
        found = [] if self.state == "peer_review" else ["409 reviews.not_in_review"]
        return [*found, "409 reviews.assigned_already"] if c.what in self.reviews else found

    def _no_accept(self, c: Command) -> list[str]:
        done = self.reviews[c.who] != "asked" or self.state == "peer_review"
        return [] if done else ["409 reviews.not_in_review"]

    def _no_review(self, c: Command) -> list[str]:
        if self.reviews[c.who] == "asked":
            return ["403", "409 reviews.not_in_review"]
        done = self.reviews[c.who] == "submitted" or self.state == "peer_review"
        return [] if done else ["409 reviews.not_in_review"]

    def _no_decide(self, c: Command) -> list[str]:
        found, made = [], self.decision
        if self.state != "decision_pending":
            found.append("409 decisions.not_pending")
        if made and made.state in {"signed", "scheduled", "released"} and made.kind != c.value:
            found.append("409 decisions.signed_already")
        return found

    def _no_sign(self, c: Command) -> list[str]:
        made = self.decision
        assert made is not None
        if made.state == "signed" and made.signed_by == c.who:
            return []
        found = [] if self.state == "decision_pending" else ["409 decisions.not_pending"]
        if made.state != "drafted":
            found.append("409 decisions.wrong_state")
        return [*found, "409 decisions.sent_back"] if made.sent_back else found

    def _no_object(self, _: Command) -> list[str]:
        made = self.decision
        assert made is not None
        if made.sent_back and made.state == "drafted":
            return []
        found = [] if self.state == "decision_pending" else ["409 decisions.not_pending"]
        open_ = made.state in {"drafted", "signed"}
        return found if open_ else [*found, "409 decisions.wrong_state"]

    def _no_order(self, _: Command) -> list[str]:
        signed = self.decision is not None and self.decision.state == "signed"
        right = signed and self.state == "decision_pending"
        return [] if right else ["409 decisions.not_ready"]

    def _no_recall(self, c: Command) -> list[str]:
        if self.release == "taken_back" and self.recalled_by == c.who:
            return []
        if self.release == "taken_back":
            return ["409 decisions.release_over"]
        if self.release == "done":
            return ["409 decisions.release_over"]
        if self.decision is None or self.decision.state != "scheduled":
            return ["404"]  # what it was to release has been withdrawn
        return ["409 decisions.too_late_to_take_back"] if self.release_due else []
